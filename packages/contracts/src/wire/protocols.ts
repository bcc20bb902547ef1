// Protocols: in which order edits are made, what is tested when, and what is thrown away.
import { z } from 'zod';

/** Edits at once, or between two tests of everything. */
const size = z.int().min(1).max(100_000);

/** Protocols that the service can follow. */
export const servedProtocols = [
  /** One edit, its test, and back to the base: the protocol of most papers' first table. */
  z.strictObject({ kind: z.literal('single') }),
  /** `size` edits at once, the test of all of them, and back to the base; the last batch may be smaller. */
  z.strictObject({ kind: z.literal('batch'), size }),
  /**
   * All edits in sequence on one model, `batch` at a time. Each is tested right after it was made (which hides forgetting),
   * and all so far at every checkpoint and at the end (which shows it).
   */
  z.strictObject({
    kind: z.literal('lifelong'),
    batch: size.default(1),
    /** Numbers of edits after which all so far are tested. The end always is one. */
    checkpoints: z.array(size).max(10_000).optional(),
  }),
] as const;

export const protocolSchema = z.discriminatedUnion('kind', [
  ...servedProtocols,
  /** All edits in sequence, untested; at every checkpoint the time of `answers` answers, one at a time. */
  z.strictObject({
    kind: z.literal('efficiency'),
    answers: size.default(20),
    checkpoints: z.array(size).max(10_000).optional(),
  }),
]);
export type Protocol = z.output<typeof protocolSchema>;
export type ProtocolInput = z.input<typeof protocolSchema>;
export type ProtocolKind = Protocol['kind'];
export const protocolKinds = ['single', 'batch', 'lifelong', 'efficiency'] as const satisfies readonly ProtocolKind[];

/** 1, 2, 5, 10, 20, 50 ... up to the last edit: even steps on a logarithmic axis, at less than twice the cost of the last. */
export function defaultCheckpoints(edits: number): readonly number[] {
  const found: number[] = [];
  for (let decade = 1; decade < edits; decade *= 10)
    for (const step of [1, 2, 5]) if (step * decade < edits) found.push(step * decade);
  return [...found, edits];
}

/** The checkpoints of a stream: multiples of its batch or the first after them, each once, ending at the last edit. */
export function checkpointsOf(
  { checkpoints, batch = 1 }: { readonly checkpoints?: readonly number[] | undefined; readonly batch?: number },
  edits: number,
): ReadonlySet<number> {
  const wanted = checkpoints ?? defaultCheckpoints(edits);
  const reached = wanted.map((at) => Math.min(edits, Math.ceil(at / batch) * batch));
  return new Set([...reached, edits].sort((a, b) => a - b));
}
