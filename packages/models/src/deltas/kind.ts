// What a kind of delta and a kind of memory are: how they are stored, what they must fit, and what they do to a version.

import { z } from 'zod';
import type { MatrixRef } from '../architectures/blocks/refs.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import { ModelError } from '../errors.ts';
import type { SafetensorsFile } from '../files/safetensors.ts';
import type { Reading } from './reading.ts';

/** A change of a matrix as a sum over `rank` of a column of `a` times a row of `b`, whichever way round it is stored; or as it is. */
export type Addend = Float32Array | { readonly rank: number; readonly a: Float32Array; readonly b: Float32Array };

/** What a delta acts on: a weight, to which it adds and into which it can be folded, or a memory, which it changes. */
export type Effect<M> =
  | {
      readonly on: 'weight';
      readonly tensor: string;
      /** @param rows of the parameter as it is stored */
      readonly addend: (matrix: MatrixRef | undefined, rows: number) => Addend;
      /** Squared Frobenius norm of what is added. */
      readonly squaredNorm: () => number;
    }
  | {
      readonly on: 'memory';
      /** Which of the memories of its kind; a version has one at a place. */
      readonly place: string;
      /** What it makes of the memory before it; of none, where there was none. */
      change(before: M | undefined): M;
    };

/** A float32 tensor, row-major. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Tensors by name. */
export type Tensors = Readonly<Record<string, FloatTensor>>;

/** One kind of delta; the table of them is in `index.ts`. */
export interface DeltaKind<D, M = never> {
  /** The kind of memory that it changes; left out by kinds that add to weights. */
  readonly memory?: MemoryKind<M>;
  /** What its safetensors file says and holds, `format` and `kind` apart. */
  encode(delta: D): { readonly metadata: Readonly<Record<string, string>>; readonly tensors: Tensors };
  /** Reads that; nothing about it is trusted, but sizes are for `checkSizes` to say. @throws ModelError delta_malformed */
  decode(file: SafetensorsFile, metadata: Readonly<Record<string, string>>): D;
  /** @throws ModelError delta_malformed where its parts do not fit each other */
  checkSizes(delta: D): void;
  /** @throws ModelError delta_misfit where it does not fit the model */
  checkFit(spec: DecoderSpec, delta: D): void;
  effect(delta: D): Effect<M>;
}

/**
 * One kind of memory: what a version knows beside its weights, made of rows. No checkpoint can hold one. A memory is a delta itself:
 * the one that makes all of it where there was none.
 */
export interface MemoryKind<M> {
  /** The `kind` of its memories. */
  readonly name: string;
  /** What one is called, and several. */
  readonly title: readonly [one: string, several: string];
  /** What it adds to the digest of a version. */
  hash(memory: M, update: (data: string | Float32Array) => void): void;
  /** Its rows, each told by all it holds: equal rows, equal texts. */
  rows(memory: M): readonly string[];
  /** Its rows, each by a name that it keeps for as long as it is there; the same as `rows` where left out. */
  rowNames?(memory: M): readonly string[];
  /** Its part of a snapshot. */
  readonly snapshot: {
    /** The field of the snapshot's metadata that lists the memories of this kind. */
    readonly field: string;
    /** What the list says of one, as plain JSON, and tensors by names that no other memory of this kind has. */
    encode(memory: M): { readonly entry: unknown; readonly tensors: Tensors };
    /** Reads that; nothing about it is trusted, but sizes. @throws ModelError; ZodError where the entry is malformed */
    decode(entry: unknown, read: (name: string) => FloatTensor): M;
  };
  /** Whether answers may depend on it; else only editors read it. */
  readonly answers: boolean;
  /** How it is read; null where it has nothing to say. */
  reading(memory: M): Reading | null;
}

export function malformed(where: string, what: string, cause?: unknown): never {
  throw new ModelError('delta_malformed', { where, what, hint: 'Compute or fetch the delta again', cause });
}

export function misfit(where: string, what: string): never {
  throw new ModelError('delta_misfit', { where, what, hint: 'Use the delta with the model it was made for' });
}

/** Metadata by its schema. @throws ModelError delta_malformed */
export function parseMetadata<T>(schema: z.ZodType<T>, metadata: unknown, where: string): T {
  const parsed = schema.safeParse(metadata);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return malformed(where, `metadata: ${issue?.path.join('.')} ${issue?.message}`);
}

/** A list that lies in the metadata as JSON. @throws ModelError delta_malformed */
export function parseList<T>(item: z.ZodType<T>, text: string, where: string, name: string): readonly T[] {
  try {
    return z.array(item).parse(JSON.parse(text));
  } catch (cause) {
    return malformed(where, `its list of ${name} cannot be read`, cause);
  }
}

/** Metadata of a delta of one parameter. */
export const tensorMetadata = z.strictObject({ tensor: z.string().min(1) });

/** @throws ModelError delta_malformed */
export function shapeOf(file: SafetensorsFile, name: string, rank: number): readonly number[] {
  const shape = file.tensors.get(name)?.shape;
  if (shape?.length !== rank) malformed(file.where, `${name} is missing or does not have ${rank} axes`);
  return shape!;
}
