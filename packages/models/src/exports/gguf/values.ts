// The head of a GGUF file as it is written: typed metadata, and where each tensor lies.

import type { GgufFile, GgufTensor, GgufValue } from '../../sources/gguf/header.ts';

/** A value of the metadata with its type. */
export type TypedValue =
  | { readonly type: 'u32' | 'f32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'i32s' | 'f32s'; readonly value: readonly number[] }
  | { readonly type: 'texts'; readonly value: readonly string[] };

export const u32 = (value: number): TypedValue => ({ type: 'u32', value });
export const f32 = (value: number): TypedValue => ({ type: 'f32', value: Math.fround(value) });
export const bool = (value: boolean): TypedValue => ({ type: 'bool', value });
export const text = (value: string): TypedValue => ({ type: 'text', value });
export const texts = (value: readonly string[]): TypedValue => ({ type: 'texts', value });
export const i32s = (value: readonly number[]): TypedValue => ({ type: 'i32s', value });
export const f32s = (value: readonly number[]): TypedValue => ({ type: 'f32s', value });

/** Metadata in the order in which it is written. Undefined values are left out. */
export type TypedMetadata = Readonly<Record<string, TypedValue | undefined>>;

/** The format's numbers for types, and of what lists are made. */
const typeNumbers = { u32: 4, i32: 5, f32: 6, bool: 7, text: 8, list: 9 } as const;
const elementTypes = { i32s: 'i32', f32s: 'f32', texts: 'text' } as const;

/** Where tensors begin: a multiple of this many bytes. */
const alignment = 32;
export const aligned = (offset: number): number => Math.ceil(offset / alignment) * alignment;

/** What a tensor is written as; its place follows from the order. */
export type PlannedTensor = Pick<GgufTensor, 'shape' | 'type' | 'bytes'>;

/** Collects bytes. */
function makeSink() {
  const parts: Uint8Array[] = [];
  let length = 0;
  const push = (part: Uint8Array) => {
    parts.push(part);
    length += part.byteLength;
  };
  const number = (bytes: number, set: (view: DataView) => void) => {
    const part = new Uint8Array(bytes);
    set(new DataView(part.buffer));
    push(part);
  };
  const sink = {
    u32: (value: number) => number(4, (view) => view.setUint32(0, value, true)),
    i32: (value: number) => number(4, (view) => view.setInt32(0, value, true)),
    f32: (value: number) => number(4, (view) => view.setFloat32(0, value, true)),
    u64: (value: number) => number(8, (view) => view.setBigUint64(0, BigInt(value), true)),
    bool: (value: boolean) => push(Uint8Array.of(value ? 1 : 0)),
    text(value: string) {
      const bytes = new TextEncoder().encode(value);
      sink.u64(bytes.length);
      push(bytes);
    },
    end: () => Buffer.concat([...parts, new Uint8Array(aligned(length) - length)]),
  };
  return sink;
}

/** The head of a file, filled up to where the first tensor begins. */
export function encodeHead(metadata: TypedMetadata, tensors: ReadonlyMap<string, PlannedTensor>): Uint8Array {
  const sink = makeSink();
  const entries = Object.entries(metadata).filter((entry): entry is [string, TypedValue] => entry[1] !== undefined);
  sink.u32(0x46554747);
  sink.u32(3);
  sink.u64(tensors.size);
  sink.u64(entries.length);
  const write = sink as unknown as Record<string, (value: unknown) => void>;
  for (const [key, { type, value }] of entries) {
    sink.text(key);
    if (!Array.isArray(value)) {
      sink.u32(typeNumbers[type as 'u32']);
      write[type]!(value);
      continue;
    }
    const element = elementTypes[type as keyof typeof elementTypes];
    sink.u32(typeNumbers.list);
    sink.u32(typeNumbers[element]);
    sink.u64(value.length);
    for (const each of value) write[element]!(each);
  }
  let offset = 0;
  for (const [name, { shape, type, bytes }] of tensors) {
    sink.text(name);
    sink.u32(shape.length);
    for (const size of shape.toReversed()) sink.u64(size);
    sink.u32(type);
    sink.u64(offset);
    offset = aligned(offset + bytes);
  }
  return sink.end();
}

/** The head as the reader has it, to see what it makes of a file before there is one. @param small tensors that it reads at once */
export function asRead(
  metadata: TypedMetadata,
  tensors: ReadonlyMap<string, PlannedTensor>,
  small: ReadonlyMap<string, Float32Array>,
): GgufFile {
  const values = new Map<string, GgufValue>();
  for (const [key, typed] of Object.entries(metadata)) if (typed !== undefined) values.set(key, typed.value);
  const places = [...small.keys()];
  return {
    where: 'the GGUF file',
    metadata: values,
    tensors: new Map([...tensors].map(([name, tensor]) => [name, { ...tensor, offset: places.indexOf(name) }])),
    read: (place) => new Uint8Array(small.get(places[place]!)!.slice().buffer),
    close: () => {},
  };
}
