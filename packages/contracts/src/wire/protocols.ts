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

/** Protocols that an evaluation on the service can follow. */
export const servedProtocolSchema = z.discriminatedUnion('kind', [...servedProtocols]);
export type ServedProtocol = z.output<typeof servedProtocolSchema>;
