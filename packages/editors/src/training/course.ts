// The course of a training that takes long: how far it has come, stored and gone on from, so that it ends as an unbroken one does.
import type { OptimizerState } from '@errata/graph';
import { encodeSafetensors, parseSafetensors, type WritableTensor } from '@errata/models';
import { z } from 'zod';

/** Numbers by name, of a step. */
const pointSchema = z.object({ step: z.int() }).catchall(z.number());

const courseSchema = z.strictObject({
  step: z.int().min(0),
  /** Step of the best checkpoint; 0 before there is one. */
  chosen: z.int().min(0),
  /** Loss, by terms, of some steps. */
  curve: z.array(pointSchema),
  /** What each checkpoint came to on what was not trained on: its `score`, and what that is made of. */
  validations: z.array(pointSchema),
  /** Steps that each optimizer took. */
  optimizers: z.record(z.string(), z.int().min(0)),
});

export type CoursePoint = z.output<typeof pointSchema>;

/** The state of a training. */
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

/** Reads that; undefined for what cannot be read. Which training it is of is for whoever stored it to know. */
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
