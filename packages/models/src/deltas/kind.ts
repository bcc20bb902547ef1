// What a kind of delta is: how it is stored, what it must fit, and what it does to a version.

import { z } from 'zod';
import type { MatrixRef } from '../architectures/blocks/refs.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import { ModelError } from '../errors.ts';
import type { SafetensorsFile, WritableTensor } from '../files/safetensors.ts';
import type { CodebookDelta } from './codebooks.ts';

/** A change of a matrix as a sum over `rank` of a column of `a` times a row of `b`, whichever way round it is stored; or as it is. */
export type Addend = Float32Array | { readonly rank: number; readonly a: Float32Array; readonly b: Float32Array };

/** What a delta acts on: a weight, to which it adds and into which it can be folded, or a memory, which it changes. */
export type Effect =
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
      readonly place: string;
      readonly change: (before: CodebookDelta | undefined) => CodebookDelta;
    };

/** One kind of delta; the table of them is in `index.ts`. */
export interface DeltaKind<D> {
  /** What its safetensors file says and holds, `format` and `kind` apart. */
  encode(delta: D): {
    readonly metadata: Readonly<Record<string, string>>;
    readonly tensors: Readonly<Record<string, WritableTensor>>;
  };
  /** Reads that; nothing about it is trusted, but sizes are for `checkSizes` to say. @throws ModelError delta_malformed */
  decode(file: SafetensorsFile, metadata: Readonly<Record<string, string>>): D;
  /** @throws ModelError delta_malformed where its parts do not fit each other */
  checkSizes(delta: D): void;
  /** @throws ModelError delta_misfit where it does not fit the model */
  checkFit(spec: DecoderSpec, delta: D): void;
  effect(delta: D): Effect;
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

/** Metadata of a delta of one parameter. */
export const tensorMetadata = z.strictObject({ tensor: z.string().min(1) });

/** @throws ModelError delta_malformed */
export function shapeOf(file: SafetensorsFile, name: string, rank: number): readonly number[] {
  const shape = file.tensors.get(name)?.shape;
  if (shape?.length !== rank) malformed(file.where, `${name} is missing or does not have ${rank} axes`);
  return shape!;
}
