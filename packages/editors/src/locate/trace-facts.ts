// Causal tracing over many facts: those that the model knows, each under noise of its own.
import { ErrataError } from '@errata/contracts';
import { layOut, ModelError, subjectSpan, type Tokenizer, type View } from '@errata/models';
import type { EditRequest } from '../editor.ts';
import { embeddingDeviation, type FactTrace, subjectNoise, type TracedFact, traceFact } from './causal-tracing.ts';
import type { TracedFacts } from './effects.ts';

export interface FactsSettings {
  /** Facts traced at most. */
  readonly limit: number;
  /** Corrupted runs a fact. */
  readonly runs: number;
  /** Deviation of the noise, as a multiple of that of the subjects' embeddings. */
  readonly noise: number;
  /** As {@link traceFact} has it. */
  readonly window: number;
  readonly seed: number;
}

/** How the tracing of many facts goes on. */
export interface FactsOptions {
  /** Traces of the first facts from an earlier run with the same facts and settings. */
  readonly traced?: readonly FactTrace[];
  /** Told after each fact, with all traces so far. */
  readonly onTraced?: (traces: readonly FactTrace[]) => Promise<void>;
  readonly onProgress?: (progress: FactsProgress) => void;
  readonly signal?: AbortSignal;
}

export interface FactsProgress {
  readonly fact: number;
  readonly facts: number;
  readonly done: number;
  readonly total: number;
}

/** Facts that were traced, and how many were not. */
export interface TracedKnown extends TracedFacts {
  /** Of which the model says something else. */
  readonly unknown: number;
  /** Without a subject, or that cannot be laid out. */
  readonly unusable: number;
}

/** A fact as tokens; undefined where it cannot be. */
function factOf(
  tokenizer: Tokenizer,
  { custom_id, prompt, subject, target_new, join }: EditRequest,
): TracedFact | undefined {
  if (subject === undefined) return undefined;
  try {
    const { promptIds, targetIds } = layOut(tokenizer, prompt, target_new, { join });
    const { first, last } = subjectSpan(tokenizer, prompt, subject, { join });
    return { custom_id, ids: promptIds, subject: [first, last], answer: targetIds[0]! };
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}

const greatest = (logits: Float32Array): number => {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
};

/**
 * Traces the first facts whose answer the model gives, by its first token.
 * @throws ErrataError `invalid_edits` where it knows none of them
 */
export async function traceFacts(
  view: View,
  tokenizer: Tokenizer,
  edits: readonly EditRequest[],
  { limit, runs, noise, window, seed }: FactsSettings,
  { traced = [], onTraced, onProgress, signal }: FactsOptions = {},
): Promise<TracedKnown> {
  const facts: TracedFact[] = [];
  let [unknown, unusable] = [0, 0];
  for (const edit of edits) {
    if (facts.length === limit) break;
    signal?.throwIfAborted();
    const fact = factOf(tokenizer, edit);
    if (fact === undefined || fact.ids.length > view.spec.context) {
      unusable++;
      continue;
    }
    const [logits] = await view.nextLogits([fact.ids]);
    if (greatest(logits!) === fact.answer) facts.push(fact);
    else unknown++;
  }
  if (facts.length === 0)
    throw new ErrataError('invalid_edits', `the model gives the answer of none of ${edits.length} facts`, {
      details: { unknown, unusable },
    });
  const deviation =
    noise *
    embeddingDeviation(
      view,
      facts.flatMap(({ ids, subject: [first, last] }) => ids.slice(first, last + 1)),
    );
  const traces = facts.slice(0, traced.length).map((_, number) => traced[number]!);
  for (const [number, fact] of facts.entries()) {
    if (number < traces.length) continue;
    const settings = {
      noise: subjectNoise(fact, view.spec.width, { runs, deviation, seed, fact: number }),
      window,
    };
    const progress = (done: number, total: number) =>
      onProgress?.({ fact: number + 1, facts: facts.length, done, total });
    traces.push(await traceFact(view, fact, settings, { onProgress: progress, ...(signal && { signal }) }));
    await onTraced?.(traces);
  }
  return { facts, traces, unknown, unusable };
}
