// A patch: the deltas that a version answers the prompts of one row with, and no others; stored as what is said of each and one array of numbers.

import { joinedArrays } from '@errata/graph';
import { z } from 'zod';
import { activations } from '../../architectures/blocks/refs.ts';
import type { DecoderSpec } from '../../architectures/spec.ts';
import { malformed } from '../kind.ts';
import { type LowRankDelta, lowRank } from '../low-rank.ts';
import { type NeuronsDelta, neurons } from '../neurons.ts';

/** What a patch is made of. */
export type PatchDelta = LowRankDelta | NeuronsDelta;

const size = z.int().min(1);
export const partSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('low_rank'), tensor: z.string().min(1), rank: size, in: size, out: size }),
  z.strictObject({
    kind: z.literal('neurons'),
    layer: z.int().min(0),
    activation: z.enum(activations),
    width: size,
    count: size,
  }),
]);

/** What is said of a delta of a patch, its numbers apart. */
export type PatchPart = z.output<typeof partSchema>;

function partOf(delta: PatchDelta): PatchPart {
  if (delta.kind === 'low_rank') {
    const { kind, tensor, rank, left, right } = delta;
    return { kind, tensor, rank, in: left.length / rank, out: right.length / rank };
  }
  const { kind, layer, activation, width, biases } = delta;
  return { kind, layer, activation, width, count: biases.length };
}

const arraysOf = (delta: PatchDelta): readonly Float32Array[] =>
  delta.kind === 'low_rank' ? [delta.left, delta.right] : [delta.keys, delta.biases, delta.values];

/** Deltas as a row has them. */
export const packPatch = (deltas: readonly PatchDelta[]) => ({
  patch: deltas.map(partOf) as readonly PatchPart[],
  numbers: joinedArrays(deltas.flatMap(arraysOf)),
});

/** @throws ModelError delta_malformed where there are not as many numbers as the parts say */
export function unpackPatch(where: string, parts: readonly PatchPart[], numbers: Float32Array): readonly PatchDelta[] {
  let at = 0;
  const take = (length: number) => {
    at += length;
    return numbers.subarray(at - length, at);
  };
  const deltas = parts.map((part): PatchDelta => {
    if (part.kind === 'low_rank') {
      const { kind, tensor, rank } = part;
      return { kind, tensor, rank, left: take(part.in * rank), right: take(rank * part.out) };
    }
    const { kind, layer, activation, width, count } = part;
    return {
      kind,
      layer,
      activation,
      width,
      keys: take(count * width),
      biases: take(count),
      values: take(count * width),
    };
  });
  if (at !== numbers.length) malformed(where, `its patch has ${numbers.length} numbers, not ${at}`);
  return deltas;
}

/** @throws ModelError delta_malformed, delta_misfit */
export function checkPatch(spec: DecoderSpec, deltas: readonly PatchDelta[]): void {
  for (const delta of deltas) {
    if (delta.kind === 'low_rank') lowRank.checkFit(spec, delta);
    else neurons.checkFit(spec, delta);
  }
}
