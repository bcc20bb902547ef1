// Safetensors files: a strict reader that loads one tensor at a time, and a writer whose bytes depend only on the tensors.

import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { ModelError } from '../errors.ts';
import { bfloat16ToFloat32, firstNonFinite, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from './half.ts';
import {
  dtypeBytes,
  headerLength,
  parseHeader,
  type SafetensorsDtype,
  type SafetensorsHeader,
  type TensorInfo,
} from './safetensors-header.ts';

/** Options of reading one tensor. */
export interface ReadTensorOptions {
  /** Refuse NaN and infinities (the default): no model that holds one can be edited or served. */
  readonly finite?: boolean;
}

/** A tensor's bytes as they stand in the file, little-endian. */
export interface RawTensor {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** An open safetensors file, or a buffer that holds one. */
export interface SafetensorsFile extends SafetensorsHeader {
  /** What errors call this file. */
  readonly where: string;
  /**
   * One tensor, row-major, as float32. F32, F16 and BF16 convert exactly. Reads only the tensor's own span.
   * @throws ModelError safetensors_tensor_missing, safetensors_not_float, safetensors_non_finite, safetensors_unreadable
   */
  read(name: string, options?: ReadTensorOptions): Float32Array<ArrayBuffer>;
  /** One tensor of any dtype, unconverted, in memory of its own. */
  readRaw(name: string): RawTensor;
  /** Releases the file; reading after it is an error. Closing twice is not. */
  close(): void;
}

/** Copies `length` bytes from `offset` of the underlying file into memory of its own, so every dtype is aligned. */
type ReadSpan = (offset: number, length: number) => Uint8Array<ArrayBuffer>;

function makeFile(where: string, header: SafetensorsHeader, readSpan: ReadSpan, close: () => void): SafetensorsFile {
  const infoOf = (name: string): TensorInfo => {
    const info = header.tensors.get(name);
    if (info) return info;
    throw new ModelError('safetensors_tensor_missing', {
      where,
      what: `there is no tensor named ${JSON.stringify(name)}`,
      hint: `The file has ${header.tensors.size} tensors, the first ${JSON.stringify([...header.tensors.keys()].slice(0, 3))}`,
    });
  };
  return {
    ...header,
    where,
    read(name, options = {}) {
      const info = infoOf(name);
      const values = toFloat32(where, name, info.dtype, readSpan(info.fileOffset, info.byteLength).buffer);
      if (options.finite ?? true) refuseNonFinite(where, name, values);
      return values;
    },
    readRaw(name) {
      const info = infoOf(name);
      return { dtype: info.dtype, shape: info.shape, bytes: readSpan(info.fileOffset, info.byteLength) };
    },
    close,
  };
}

function toFloat32(
  where: string,
  name: string,
  dtype: SafetensorsDtype,
  bytes: ArrayBuffer,
): Float32Array<ArrayBuffer> {
  switch (dtype) {
    case 'F32':
      return new Float32Array(bytes);
    case 'F16':
      return float16ToFloat32(new Uint16Array(bytes));
    case 'BF16':
      return bfloat16ToFloat32(new Uint16Array(bytes));
    default:
      throw new ModelError('safetensors_not_float', {
        where,
        what: `tensor ${JSON.stringify(name)} has dtype ${dtype}`,
        hint: 'Weights are read from F32, F16 or BF16; convert the model',
      });
  }
}

/** @throws ModelError safetensors_non_finite */
export function refuseNonFinite(where: string, name: string, values: Float32Array): void {
  const at = firstNonFinite(values);
  if (at < 0) return;
  throw new ModelError('safetensors_non_finite', {
    where,
    what: `element ${at} of tensor ${JSON.stringify(name)} is ${values[at]}`,
    hint: 'The model is broken: a training run diverged, or a conversion to float16 overflowed',
  });
}

/**
 * Reads a safetensors file that is already in memory. The buffer is not copied as a whole; each tensor read is.
 * @throws ModelError safetensors_*
 */
export function parseSafetensors(bytes: Uint8Array, where = 'safetensors buffer'): SafetensorsFile {
  const length = headerLength(bytes.subarray(0, 8), bytes.byteLength, where);
  const header = parseHeader(bytes.subarray(8, 8 + length), bytes.byteLength, where);
  return makeFile(
    where,
    header,
    (offset, size) => new Uint8Array(bytes.subarray(offset, offset + size)),
    () => {},
  );
}

/**
 * Opens a safetensors file: reads and checks the header, and each tensor only when asked for it.
 * @throws ModelError safetensors_*
 */
export function openSafetensors(path: string): SafetensorsFile {
  const unreadable = (cause: unknown): never => {
    throw new ModelError('safetensors_unreadable', {
      where: path,
      what: `the file cannot be read (${cause instanceof Error ? cause.message : String(cause)})`,
      hint: 'Check that it exists, is a file and may be read',
      cause,
    });
  };
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    return unreadable(cause);
  }
  let open = true;
  const close = (): void => {
    if (open) closeSync(descriptor);
    open = false;
  };
  const readSpan: ReadSpan = (offset, length) => {
    if (!open) {
      throw new ModelError('safetensors_closed', {
        where: path,
        what: 'the file was closed',
        hint: 'Read all tensors before closing the checkpoint',
      });
    }
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      let got: number;
      try {
        // One read moves at most 2^31 - 1 bytes.
        got = readSync(descriptor, bytes, done, Math.min(length - done, 1 << 30), offset + done);
      } catch (cause) {
        return unreadable(cause);
      }
      if (got === 0) return unreadable(new Error('the file became shorter while it was read'));
      done += got;
    }
    return bytes;
  };
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) unreadable(new Error('not a regular file'));
    const length = headerLength(readSpan(0, Math.min(8, stat.size)), stat.size, path);
    return makeFile(path, parseHeader(readSpan(8, length), stat.size, path), readSpan, close);
  } catch (error) {
    close();
    throw error;
  }
}

/** A tensor to write: float data, given or made when its turn comes, or raw bytes that pass through unconverted. */
export type WritableTensor =
  | { readonly shape: readonly number[]; readonly data: Float32Array | (() => Float32Array) }
  | RawTensor;

/** Element types that floats are written in. */
export type FloatDtype = 'F32' | 'F16' | 'BF16';

/** Options of the writer. */
export interface WriteSafetensorsOptions {
  /** Element type of all float tensors. Default F32. */
  readonly dtype?: FloatDtype;
  /** String pairs for `__metadata__`. transformers wants `{format: 'pt'}`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** What errors call the output. */
  readonly where?: string;
}

/** Bytes that a tensor takes where floats are written in `target`. */
export const tensorBytesOf = (tensor: WritableTensor, target: FloatDtype): number =>
  tensor.shape.reduce(
    (product, dimension) => product * dimension,
    dtypeBytes['bytes' in tensor ? tensor.dtype : target],
  );

interface Plan {
  readonly header: Uint8Array;
  readonly parts: readonly { readonly name: string; readonly byteLength: number; readonly bytes: () => Uint8Array }[];
}

function compareCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Lays out a file: names sorted by code unit, spans in that order, the header padded with spaces to 8 bytes. */
function planFile(tensors: ReadonlyMap<string, WritableTensor>, options: WriteSafetensorsOptions): Plan {
  const target = options.dtype ?? 'F32';
  const where = options.where ?? 'safetensors output';
  const pieces: string[] = [];
  const metadata = Object.entries(options.metadata ?? {}).sort(([a], [b]) => compareCodeUnits(a, b));
  if (metadata.length > 0) {
    const pairs = metadata.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    pieces.push(`"__metadata__":{${pairs.join(',')}}`);
  }
  let offset = 0;
  const parts = [...tensors]
    .sort(([a], [b]) => compareCodeUnits(a, b))
    .map(([name, tensor]) => {
      const dtype = 'bytes' in tensor ? tensor.dtype : target;
      const byteLength = tensorBytesOf(tensor, target);
      if (name === '__metadata__' || !Number.isSafeInteger(byteLength) || !tensor.shape.every((n) => n >= 0)) {
        refuseWrite(where, name, `its name or shape [${tensor.shape}] cannot be written`);
      }
      // Built as text, so that a tensor called __proto__ is a key like any other.
      const entry = JSON.stringify({ dtype, shape: tensor.shape, data_offsets: [offset, offset + byteLength] });
      pieces.push(`${JSON.stringify(name)}:${entry}`);
      offset += byteLength;
      return { name, byteLength, bytes: () => tensorBytes(where, name, tensor, byteLength, target) };
    });
  const json = new TextEncoder().encode(`{${pieces.join(',')}}`);
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return { header, parts };
}

function refuseWrite(where: string, name: string, what: string): never {
  throw new ModelError('safetensors_write_invalid', {
    where,
    what: `tensor ${JSON.stringify(name)}: ${what}`,
    hint: 'Give data with exactly as many elements as the shape has',
  });
}

function tensorBytes(
  where: string,
  name: string,
  tensor: WritableTensor,
  byteLength: number,
  target: FloatDtype,
): Uint8Array {
  if ('bytes' in tensor) {
    if (tensor.bytes.byteLength !== byteLength) refuseWrite(where, name, `has ${tensor.bytes.byteLength} bytes`);
    return tensor.bytes;
  }
  const data = typeof tensor.data === 'function' ? tensor.data() : tensor.data;
  if (data.length * dtypeBytes[target] !== byteLength) {
    refuseWrite(where, name, `has ${data.length} elements for shape [${tensor.shape}]`);
  }
  refuseNonFinite(where, name, data);
  if (target === 'F32') return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(inSixteenBits(where, name, data, target).buffer);
}

/**
 * Floats in two bytes each.
 * @throws ModelError safetensors_float16_overflow
 */
export function inSixteenBits(
  where: string,
  name: string,
  data: Float32Array,
  target: 'F16' | 'BF16',
): Uint16Array<ArrayBuffer> {
  const [halves, infinite, end] =
    target === 'F16'
      ? ([float32ToFloat16(data), 0x7c00, 'float16 ends at 65504'] as const)
      : ([float32ToBfloat16(data), 0x7f80, 'bfloat16 ends at 3.39e38'] as const);
  const overflow = halves.findIndex((half) => (half & infinite) === infinite);
  if (overflow >= 0) {
    throw new ModelError('safetensors_float16_overflow', {
      where,
      what: `element ${overflow} of tensor ${JSON.stringify(name)} is ${data[overflow]}; ${end}`,
      hint: 'Write float32 instead',
    });
  }
  return halves;
}

/**
 * Encodes tensors as a safetensors file in memory. The bytes depend only on names, shapes, values and options, never on
 * the order of the map.
 * @throws ModelError safetensors_write_invalid, safetensors_non_finite, safetensors_float16_overflow
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, WritableTensor>,
  options: WriteSafetensorsOptions = {},
): Uint8Array<ArrayBuffer> {
  const chunks = [...safetensorsChunks(tensors, options)];
  const file = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    file.set(chunk, at);
    at += chunk.byteLength;
  }
  return file;
}

/**
 * The bytes of {@link encodeSafetensors} piece by piece, so that a file need not stand in memory as a whole.
 * @throws ModelError as {@link encodeSafetensors}, while they are taken
 */
export function* safetensorsChunks(
  tensors: ReadonlyMap<string, WritableTensor>,
  options: WriteSafetensorsOptions = {},
): Generator<Uint8Array, void> {
  const plan = planFile(tensors, options);
  yield plan.header;
  for (const part of plan.parts) yield part.bytes();
}

/**
 * Writes a safetensors file, one tensor in memory at a time, and syncs it to disk. The path must not exist yet.
 * @throws ModelError as {@link encodeSafetensors}; the file system's own error where the disk is full
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, WritableTensor>,
  options: WriteSafetensorsOptions = {},
): void {
  const plan = planFile(tensors, { where: path, ...options });
  const descriptor = openSync(path, 'wx');
  const write = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.byteLength; ) {
      done += writeSync(descriptor, bytes, done, Math.min(bytes.byteLength - done, 1 << 30));
    }
  };
  try {
    write(plan.header);
    for (const part of plan.parts) write(part.bytes());
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
