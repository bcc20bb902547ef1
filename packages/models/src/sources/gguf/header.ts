// The head of a GGUF file: metadata and where each tensor lies, read strictly.
//
// Own code, since @huggingface/gguf takes what is behind the end of a file for zeros, so that a file that was cut short looks whole.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ModelError, type ModelErrorCode } from '../../errors.ts';
import { blockFormats } from './blocks.ts';

/** A value of the metadata. Integers beyond 2^53 are rounded. */
export type GgufValue = number | boolean | string | readonly GgufValue[];

/** Where a tensor lies. */
export interface GgufTensor {
  /** Row-major: the file states it the other way round. */
  readonly shape: readonly number[];
  /** The number of its block format. */
  readonly type: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** An open GGUF file. */
export interface GgufFile {
  readonly where: string;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Bytes of the file, in memory of their own. @throws ModelError gguf_unreadable, gguf_truncated */
  read(offset: number, length: number): Uint8Array<ArrayBuffer>;
  close(): void;
}

/** Far above any real head: a vocabulary of 262,144 tokens with its merges takes 20 MB. */
const largestHead = 128 * 2 ** 20;
const deepestArray = 4;
const mostDimensions = 4;
const windowBytes = 1 << 20;

type Fail = (code: ModelErrorCode, what: string, hint?: string) => never;

const failer =
  (where: string): Fail =>
  (code, what, hint = 'Download or convert the file again; it is damaged or no GGUF file') => {
    throw new ModelError(code, { where, what, hint });
  };

/**
 * Opens a GGUF file: reads and checks its head, and each tensor only when asked for it.
 * @throws ModelError gguf_*
 */
export function openGguf(path: string): GgufFile {
  const fail = failer(path);
  const unreadable = (cause: unknown): never => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ModelError('gguf_unreadable', {
      where: path,
      what: `it cannot be read (${reason})`,
      hint: 'Check that it is a file that may be read',
      cause,
    });
  };
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    return unreadable(cause);
  }
  const close = (): void => {
    if (descriptor >= 0) closeSync(descriptor);
    descriptor = -1;
  };
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) unreadable(new Error('not a regular file'));
    const read: GgufFile['read'] = (offset, length) => {
      if (offset + length > stat.size)
        fail('gguf_truncated', `it ends at byte ${stat.size}, and goes on to ${offset + length}`);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        let got = 0;
        try {
          got = readSync(descriptor, bytes, done, Math.min(length - done, 1 << 30), offset + done);
        } catch (cause) {
          unreadable(cause);
        }
        if (got === 0) fail('gguf_truncated', 'it became shorter while it was read');
        done += got;
      }
      return bytes;
    };
    return { where: path, ...readHead(makeCursor(read, stat.size, fail), stat.size, fail), read, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Reads a head from its first byte on. */
interface Cursor {
  readonly offset: () => number;
  /** Refuses what needs more bytes than are left, before anything is made for them. */
  readonly require: (count: number, bytesOfEach: number, what: string) => void;
  readonly u32: () => number;
  readonly u64: (what: string) => number;
  readonly number: (type: number) => number;
  readonly string: () => string;
}

/** Bytes of the numbers of the metadata, and how each is read, by the format's number for its type. */
const numberTypes: Readonly<Record<number, readonly [bytes: number, get: (view: DataView) => number]>> = {
  0: [1, (view) => view.getUint8(0)],
  1: [1, (view) => view.getInt8(0)],
  2: [2, (view) => view.getUint16(0, true)],
  3: [2, (view) => view.getInt16(0, true)],
  4: [4, (view) => view.getUint32(0, true)],
  5: [4, (view) => view.getInt32(0, true)],
  6: [4, (view) => view.getFloat32(0, true)],
  10: [8, (view) => Number(view.getBigUint64(0, true))],
  11: [8, (view) => Number(view.getBigInt64(0, true))],
  12: [8, (view) => view.getFloat64(0, true)],
};
const booleanType = 7;
const stringType = 8;
const arrayType = 9;

function makeCursor(read: GgufFile['read'], size: number, fail: Fail): Cursor {
  let at = 0;
  let from = 0;
  let window = new Uint8Array(0);
  const end = Math.min(size, largestHead);
  const require: Cursor['require'] = (count, bytesOfEach, what) => {
    const need = at + count * bytesOfEach;
    if (need > size) fail('gguf_truncated', `it ends at byte ${size}, within ${what}`);
    if (need > end) fail('gguf_malformed', `its head is longer than ${largestHead} bytes`);
  };
  const take = (length: number, what: string): Uint8Array => {
    require(length, 1, what);
    if (at < from || at + length > from + window.length) {
      from = at;
      window = read(at, Math.min(Math.max(length, windowBytes), size - at));
    }
    at += length;
    return window.subarray(at - length - from, at - from);
  };
  const viewOf = (length: number, what: string): DataView => {
    const bytes = take(length, what);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  };
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const u64 = (what: string): number => {
    const value = viewOf(8, what).getBigUint64(0, true);
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : fail('gguf_malformed', `${what} is ${value}`);
  };
  return {
    offset: () => at,
    require,
    u32: () => viewOf(4, 'its head').getUint32(0, true),
    u64,
    number: (type) => numberTypes[type]![1](viewOf(numberTypes[type]![0], 'a number')),
    string() {
      const bytes = take(u64('the length of a text'), 'a text');
      try {
        return decoder.decode(bytes);
      } catch {
        return fail('gguf_malformed', `the text before byte ${at} is not UTF-8`);
      }
    },
  };
}

function readValue(cursor: Cursor, type: number, fail: Fail, depth = 0): GgufValue {
  if (type === stringType) return cursor.string();
  if (type === booleanType) return cursor.number(0) !== 0;
  if (type in numberTypes) return cursor.number(type);
  if (type !== arrayType) return fail('gguf_malformed', `a value has the type ${type}, which there is not`);
  if (depth >= deepestArray) return fail('gguf_malformed', 'arrays lie within arrays without end');
  const of = cursor.u32();
  const length = cursor.u64('the length of an array');
  const smallest = of === stringType ? 8 : of === arrayType ? 12 : of === booleanType ? 1 : numberTypes[of]?.[0];
  if (smallest === undefined) return fail('gguf_malformed', `an array is of the type ${of}, which there is not`);
  cursor.require(length, smallest, 'an array');
  const values: GgufValue[] = [];
  for (let i = 0; i < length; i++) values.push(readValue(cursor, of, fail, depth + 1));
  return values;
}

const magic = 0x46554747;

function readHead(cursor: Cursor, size: number, fail: Fail): Pick<GgufFile, 'metadata' | 'tensors'> {
  if (cursor.u32() !== magic) fail('gguf_malformed', 'it does not begin with GGUF');
  const version = cursor.u32();
  if (version !== 2 && version !== 3) {
    const swapped = version > 0 && version % 2 ** 24 === 0;
    fail('gguf_unsupported', swapped ? 'its numbers are big-endian' : `it is of version ${version}; 2 and 3 are read`);
  }
  const tensorCount = cursor.u64('the number of tensors');
  const entryCount = cursor.u64('the number of entries');
  const metadata = new Map<string, GgufValue>();
  // A key with its length, a type and a value of one byte.
  cursor.require(entryCount, 13, 'its metadata');
  for (let i = 0; i < entryCount; i++) {
    const key = cursor.string();
    if (metadata.has(key)) fail('gguf_malformed', `the key ${JSON.stringify(key)} appears twice`);
    metadata.set(key, readValue(cursor, cursor.u32(), fail));
  }
  const alignment = metadata.get('general.alignment') ?? 32;
  if (typeof alignment !== 'number' || alignment < 1 || alignment > 2 ** 20 || !Number.isInteger(Math.log2(alignment)))
    return fail('gguf_malformed', `general.alignment is ${JSON.stringify(alignment)}`);

  // A name with its length, a count of dimensions, one dimension, a type and an offset.
  cursor.require(tensorCount, 32, 'its list of tensors');
  const stated: (readonly [string, Omit<GgufTensor, 'offset'> & { readonly from: number }])[] = [];
  for (let i = 0; i < tensorCount; i++) stated.push(readTensor(cursor, fail));
  const start = Math.ceil(cursor.offset() / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  let free = start;
  for (const [name, { from, ...tensor }] of stated.toSorted(([, a], [, b]) => a.from - b.from)) {
    const offset = start + from;
    const shown = JSON.stringify(name.slice(0, 120));
    if (tensors.has(name)) fail('gguf_malformed', `the tensor ${shown} appears twice`);
    if (from % alignment !== 0)
      fail('gguf_malformed', `the tensor ${shown} begins at ${from}, no multiple of ${alignment}`);
    if (offset < free) fail('gguf_malformed', `the tensor ${shown} overlaps another`);
    free = offset + tensor.bytes;
    if (free > size) fail('gguf_truncated', `it ends at byte ${size}, and the tensor ${shown} at ${free}`);
    tensors.set(name, { ...tensor, offset });
  }
  return { metadata, tensors };
}

function readTensor(
  cursor: Cursor,
  fail: Fail,
): readonly [string, Omit<GgufTensor, 'offset'> & { readonly from: number }] {
  const name = cursor.string();
  const shown = JSON.stringify(name.slice(0, 120));
  const dimensions = cursor.u32();
  if (dimensions < 1 || dimensions > mostDimensions)
    fail('gguf_malformed', `the tensor ${shown} has ${dimensions} dimensions`);
  const inner = Array.from({ length: dimensions }, () => cursor.u64(`a dimension of ${shown}`));
  const type = cursor.u32();
  const from = cursor.u64(`the place of ${shown}`);
  const format = blockFormats[type];
  if (format === undefined) {
    const read = Object.values(blockFormats).map((each) => each.name);
    return fail(
      'gguf_unsupported',
      `the tensor ${shown} is quantised by format ${type}; read are ${read.join(', ')}`,
      'Take another quantisation of the model',
    );
  }
  const elements = inner.reduce((product, n) => product * n, 1);
  const bytes = (elements / format.elements) * format.bytes;
  if (
    elements === 0 ||
    !Number.isSafeInteger(elements) ||
    !Number.isSafeInteger(bytes) ||
    inner[0]! % format.elements !== 0
  )
    fail('gguf_malformed', `the tensor ${shown} of ${format.name} has the dimensions ${inner.join(' x ')}`);
  return [name, { shape: inner.toReversed(), type, bytes, from }];
}
