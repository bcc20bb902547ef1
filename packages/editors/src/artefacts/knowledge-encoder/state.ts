// How far the training of a knowledge encoder has come: stored and gone on from, it ends as an unbroken run does.
import type { OptimizerState } from '@errata/graph';
import { encodeSafetensors, parseSafetensors, type WritableTensor } from '@errata/models';
import { z } from 'zod';
import { lossTerms } from './losses.ts';

const number = z.number();

/** Mean loss of the steps up to one, by terms. */
const curvePointSchema = z.strictObject({
  step: z.int(),
  loss: number,
  ...Object.fromEntries(lossTerms.map((term) => [term, number.optional()])),
});

/** What a checkpoint came to on edits that were not trained on, all of them in the memory at once. */
const validationSchema = z.strictObject({
  step: z.int(),
  /** Mean of the three. */
  score: number,
  reliability: number,
  generality: number,
  locality: number,
  /** Shares of queries that are given their own correction: edits' prompts, rephrasings; and of others that are given none. */
  found: number,
  found_reworded: number,
  left_alone: number,
});

const courseSchema = z.strictObject({
  step: z.int().min(0),
  /** Step of the best checkpoint; 0 before there is one. */
  chosen: z.int().min(0),
  curve: z.array(curvePointSchema),
  validations: z.array(validationSchema),
  /** Steps that each optimizer took. */
  optimizers: z.record(z.string(), z.int().min(0)),
});

export type CurvePoint = z.output<typeof curvePointSchema>;
export type Validation = z.output<typeof validationSchema>;

/** The state of a run. */
export interface TrainingState extends Omit<z.output<typeof courseSchema>, 'optimizers'> {
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** Weights of the best checkpoint. */
  readonly best: ReadonlyMap<string, Float32Array>;
  readonly optimizers: Readonly<Record<string, OptimizerState>>;
}

const flat = (data: Float32Array): WritableTensor => ({ shape: [data.length], data });

export function encodeState({ weights, best, optimizers, ...course }: TrainingState): Uint8Array {
  const tensors = new Map<string, WritableTensor>();
  const slots = Object.entries(optimizers).map(([name, state]) => [name, state.slots] as const);
  for (const [group, members] of [['weights', weights], ['best', best], ...slots] as const)
    for (const [name, data] of members) tensors.set(`${group}:${name}`, flat(data));
  const steps = Object.fromEntries(Object.entries(optimizers).map(([name, { step }]) => [name, step]));
  const told = JSON.stringify({ ...course, optimizers: steps });
  return encodeSafetensors(tensors, { metadata: { course: told }, where: 'training state' });
}

/** Reads that; undefined for what cannot be read. Which run it is of is for whoever stored it to know. */
export function decodeState(bytes: Uint8Array | undefined): TrainingState | undefined {
  if (bytes === undefined) return undefined;
  try {
    const file = parseSafetensors(bytes, 'training state');
    const { optimizers: steps, ...course } = courseSchema.parse(JSON.parse(file.metadata.get('course') ?? ''));
    const group = (prefix: string) =>
      new Map(
        [...file.tensors.keys()]
          .filter((name) => name.startsWith(`${prefix}:`))
          .map((name) => [name.slice(prefix.length + 1), file.read(name)]),
      );
    const optimizers = Object.fromEntries(
      Object.entries(steps).map(([name, step]) => [name, { step, slots: group(name) }]),
    );
    return { ...course, weights: group('weights'), best: group('best'), optimizers };
  } catch {
    return undefined;
  }
}
