// The header of a safetensors file: parsed strictly, each rule of the format with its own error code.

import type { ModelErrorCode } from '../errors.ts';
import { ModelError } from '../errors.ts';

/** Bytes in one element of each dtype that this reader knows. */
export const dtypeBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

/** A dtype as the format spells it. */
export type SafetensorsDtype = keyof typeof dtypeBytes;

/** What the header says of one tensor. */
export interface TensorInfo {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Bytes from the start of the FILE to the first element. */
  readonly fileOffset: number;
  readonly byteLength: number;
}

/** A checked header: tensors in order of their bytes. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The format's own limit on the header. */
const maximumHeaderBytes = 100_000_000;

type Fail = (code: ModelErrorCode, what: string, hint?: string) => never;

function failer(where: string): Fail {
  return (code, what, hint = 'Export or download the file again; it is damaged or not a safetensors file') => {
    throw new ModelError(code, { where, what, hint });
  };
}

/** Shortens a name from a hostile file, so that it cannot flood a log. */
function shown(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}

/**
 * Reads the first 8 bytes: the header's size.
 * @throws ModelError safetensors_too_short, safetensors_header_too_large, safetensors_header_beyond_file
 */
export function headerLength(prefix: Uint8Array, fileBytes: number, where: string): number {
  const fail = failer(where);
  if (fileBytes < 8 || prefix.byteLength < 8) {
    fail('safetensors_too_short', `the file has ${fileBytes} bytes; a safetensors file has at least 8`);
  }
  const size = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (size > BigInt(maximumHeaderBytes)) {
    fail(
      'safetensors_header_too_large',
      `the header is stated to be ${size} bytes; the limit is ${maximumHeaderBytes}`,
    );
  }
  if (size > BigInt(fileBytes - 8)) {
    fail('safetensors_header_beyond_file', `the header is stated to be ${size} bytes, but ${fileBytes - 8} follow`);
  }
  return Number(size);
}

/**
 * Finds what JSON.parse hides in text that it accepts: a key given twice in one object, and numbers not written as plain
 * non-negative integers (1.0, 1e2, -0). Iterative, so nesting cannot exhaust the stack.
 */
function scanHeader(text: string, fail: Fail): void {
  // One entry per open bracket: the keys seen in an object, or null for an array.
  const open: (Set<string> | null)[] = [];
  let keyNext = false;
  let lastKey = '';
  let at = 0;
  while (at < text.length) {
    const c = text[at]!;
    if (c === '"') {
      const start = at++;
      while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
      at++;
      const keys = open.at(-1);
      if (keyNext && keys) {
        const key = JSON.parse(text.slice(start, at)) as string;
        if (keys.has(key)) fail('safetensors_duplicate_key', `the key ${shown(key)} appears twice`);
        keys.add(key);
        lastKey = key;
        keyNext = false;
      }
      continue;
    }
    if (c === '{') {
      open.push(new Set());
      keyNext = true;
    } else if (c === '[') {
      open.push(null);
    } else if (c === '}' || c === ']') {
      open.pop();
      keyNext = false;
    } else if (c === ',') {
      keyNext = open.at(-1) != null;
    } else if (c === '-' || (c >= '0' && c <= '9')) {
      const start = at;
      while (at < text.length && /[-+.eE0-9]/.test(text[at]!)) at++;
      const token = text.slice(start, at);
      if (!/^\d+$/.test(token)) {
        const code = lastKey === 'data_offsets' ? 'safetensors_offsets_invalid' : 'safetensors_shape_invalid';
        fail(code, `${token.slice(0, 40)} after the key ${shown(lastKey)} is not a non-negative integer`);
      }
      continue;
    }
    at++;
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Product of a shape's dimensions, or undefined at 2^53 or more. A zero anywhere makes it zero, as in the format. */
function elementsOf(shape: readonly number[]): number | undefined {
  if (shape.includes(0)) return 0;
  let elements = 1;
  for (const dimension of shape) {
    elements *= dimension;
    if (!Number.isSafeInteger(elements)) return undefined;
  }
  return elements;
}

function parseEntry(name: string, entry: unknown, dataStart: number, fileBytes: number, fail: Fail): TensorInfo {
  const label = `tensor ${shown(name)}`;
  if (!isPlainObject(entry) || Object.keys(entry).sort().join() !== 'data_offsets,dtype,shape') {
    return fail('safetensors_entry_invalid', `${label} is not described by exactly dtype, shape and data_offsets`);
  }
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(dtypeBytes, dtype)) {
    return fail(
      'safetensors_dtype_unknown',
      `${label} has dtype ${shown(String(dtype))}`,
      `Convert it to one of ${Object.keys(dtypeBytes).join(', ')}`,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    return fail('safetensors_shape_invalid', `${label} has a shape that is not a list of counts below 2^53`);
  }
  const [begin, end] = Array.isArray(offsets) && offsets.length === 2 ? (offsets as unknown[]) : [];
  if (!isCount(begin) || !isCount(end) || begin > end) {
    return fail('safetensors_offsets_invalid', `${label} has data_offsets that are not an ordered pair of counts`);
  }
  const known = dtype as SafetensorsDtype;
  const elements = elementsOf(shape);
  const byteLength = elements === undefined ? Number.NaN : elements * dtypeBytes[known];
  if (!Number.isSafeInteger(byteLength)) {
    return fail('safetensors_size_overflow', `${label} of shape [${shape.slice(0, 16)}] would be 2^53 bytes or more`);
  }
  if (end - begin !== byteLength) {
    return fail(
      'safetensors_size_mismatch',
      `${label} of shape [${shape.slice(0, 16)}] and dtype ${dtype} needs ${byteLength} bytes, its span has ${end - begin}`,
    );
  }
  if (end > fileBytes - dataStart) {
    return fail('safetensors_offsets_beyond_file', `${label} ends at byte ${end} of ${fileBytes - dataStart}`);
  }
  return { dtype: known, shape, fileOffset: dataStart + begin, byteLength };
}

/**
 * Parses and checks a header. Tensor names come from the file and are untrusted: they live in a Map, so `__proto__`
 * is a name like any other.
 * @param json the header's bytes, without the 8 that state its size
 * @param fileBytes length of the whole file
 * @param where what to call the file in errors
 * @throws ModelError with the code of the first rule broken
 */
export function parseHeader(json: Uint8Array, fileBytes: number, where: string): SafetensorsHeader {
  const fail = failer(where);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
  } catch {
    return fail('safetensors_header_not_utf8', 'the header is not valid UTF-8');
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return fail('safetensors_header_not_json', 'the header is not valid JSON');
  }
  if (!isPlainObject(parsed) || text[0] !== '{') {
    return fail('safetensors_header_not_object', 'the header is not a JSON object that starts at its first byte');
  }
  scanHeader(text, fail);

  const metadata = new Map<string, string>();
  const dataStart = 8 + json.byteLength;
  const entries: [string, TensorInfo][] = [];
  for (const [name, entry] of Object.entries(parsed)) {
    if (name !== '__metadata__') {
      entries.push([name, parseEntry(name, entry, dataStart, fileBytes, fail)]);
    } else if (!isPlainObject(entry)) {
      fail('safetensors_metadata_invalid', '__metadata__ is not an object');
    } else {
      for (const [key, value] of Object.entries(entry)) {
        if (typeof value !== 'string')
          fail('safetensors_metadata_invalid', `__metadata__ ${shown(key)} is not a string`);
        else metadata.set(key, value);
      }
    }
  }

  entries.sort(([, a], [, b]) => a.fileOffset - b.fileOffset || a.byteLength - b.byteLength);
  let cursor = dataStart;
  for (const [name, info] of entries) {
    if (info.fileOffset < cursor) fail('safetensors_overlap', `tensor ${shown(name)} overlaps the one before it`);
    if (info.fileOffset > cursor) {
      fail('safetensors_hole', `${info.fileOffset - cursor} bytes before tensor ${shown(name)} belong to no tensor`);
    }
    cursor += info.byteLength;
  }
  if (cursor < fileBytes) {
    fail('safetensors_trailing_bytes', `${fileBytes - cursor} bytes after the last tensor belong to no tensor`);
  }
  return { tensors: new Map(entries), metadata };
}
