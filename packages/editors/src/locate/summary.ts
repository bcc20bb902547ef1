// What is told of a causal tracing: how it was done, and what its traces say together.
import { z } from 'zod';
import { meanEffects, recommendLayer, tokenKinds } from './effects.ts';
import type { FactsSettings, TracedKnown } from './trace-facts.ts';
import { tracedSites } from './traced-model.ts';

const shape = <Name extends string, Of extends z.ZodType>(names: readonly Name[], of: Of) =>
  z.object(Object.fromEntries(names.map((name) => [name, of])) as Record<Name, Of>);

export const tracingSummarySchema = z.object({
  facts: z.int(),
  /** Of which the model says something else. */
  unknown: z.int(),
  /** Without a subject, or that cannot be laid out. */
  unusable: z.int(),
  /** Mean probability of the answers: of prompts as they are, and corrupted. */
  clean: z.number(),
  corrupted: z.number(),
  /** As {@link FactsSettings} have them. */
  window: z.int(),
  runs: z.int(),
  noise: z.number(),
  seed: z.int(),
  /** By how much the answer's probability comes back: by site and kind of token, one number a layer; null for kinds that no prompt has. */
  effects: shape(tracedSites, shape(tokenKinds, z.array(z.number()).nullable())),
  /** The layer that this speaks for, the mean effect there, and how sure that is, from 0 to 1. */
  recommended: z.object({ layer: z.int(), effect: z.number(), sureness: z.number() }),
});
export type TracingSummary = z.output<typeof tracingSummarySchema>;

export function summarizeTracing(found: TracedKnown, { window, runs, noise, seed }: FactsSettings): TracingSummary {
  const { facts, traces, unknown, unusable } = found;
  const mean = (of: 'clean' | 'corrupted') => traces.reduce((sum, trace) => sum + trace[of], 0) / traces.length;
  return {
    ...{ facts: facts.length, unknown, unusable, clean: mean('clean'), corrupted: mean('corrupted') },
    ...{ window, runs, noise, seed },
    effects: meanEffects(found),
    recommended: recommendLayer(found, seed),
  };
}
