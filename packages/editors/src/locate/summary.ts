// What is told of a causal tracing: how it was done, and what its traces say together.
import { meanEffects, recommendLayer } from './effects.ts';
import type { TracingSummary } from './told.ts';
import type { FactsSettings, TracedKnown } from './trace-facts.ts';

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
