// Tuning an editor to a model: layers, then clamps, on some edits within a budget; what is found is measured on others.
import { type Edit, ErrataError, type MeanScore } from '@errata/contracts';
import { type Artefacts, makeEdits } from '@errata/editors';
import { describeEditor, type EditorName, type EditorSettings } from '@errata/editors/catalogue';
import type { Model, Tokenizer } from '@errata/models';
import { createAnswerCache } from '../asking/answers.ts';
import { evaluateCandidate } from '../cases/evaluate-candidate.ts';
import { harmonicMean } from '../metrics/means.ts';
import { canBeTuned, clampCandidates, layerCandidates } from './candidates.ts';

export interface TuningInput {
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  readonly editor: EditorName;
  /** Complete: what the model's defaults are now. */
  readonly config: EditorSettings;
  /** Every other one is tried, the rest judge what was found. */
  readonly edits: readonly Edit[];
  /** What the editor needs under these settings. */
  readonly artefactsOf: (config: EditorSettings) => Promise<Artefacts>;
  readonly seed: number;
  /** Layers tried at most. */
  readonly layers: number;
  /** Milliseconds left; nothing new is begun below zero. */
  readonly timeLeft: () => number;
}

/** How edits came out: means of token agreement, null where they bring no such probes. */
export interface TuningScore {
  readonly reliability: number;
  readonly generalization: number | null;
  readonly locality: number | null;
  /** Harmonic mean of those that were measured. */
  readonly score: number;
}

/** Settings that were tried, with what they came to. */
export interface Trial extends TuningScore {
  readonly settings: EditorSettings;
}

export interface Tuning {
  /** In the order in which they were tried; the first is what was there. */
  readonly trials: readonly Trial[];
  /** Settings that there was no time for. */
  readonly left_out: number;
  readonly best: EditorSettings;
  /** On edits that took no part in the choice: what was there, and what was found. */
  readonly held_apart: { readonly edits: number; readonly before: TuningScore; readonly after: TuningScore };
}

export interface TuningOptions {
  readonly onTrial?: (done: number, total: number, trial: Trial) => void;
  readonly signal?: AbortSignal;
}

/** Means over probes of one kind, pooled over edits. */
function pooled(parts: readonly (MeanScore | null | undefined)[]): number | null {
  let [sum, count] = [0, 0];
  for (const part of parts) {
    if (!part) continue;
    sum += part.token * part.count;
    count += part.count;
  }
  return count === 0 ? null : sum / count;
}

/** @throws ErrataError `invalid_request` where there is nothing to tune or too little to judge by */
export async function tuneEditor(input: TuningInput, options: TuningOptions = {}): Promise<Tuning> {
  const { editor, config, edits, model, timeLeft } = input;
  if (!canBeTuned(config))
    throw new ErrataError('invalid_request', `${editor} searches for no value at a layer: there is nothing to tune`);
  const [tried, judging] = [edits.filter((_, i) => i % 2 === 0), edits.filter((_, i) => i % 2 === 1)];
  if (judging.length === 0)
    throw new ErrataError('invalid_request', 'one edit cannot tune and judge: give two at least');
  const scoreOf = scorer(input, options);
  const trials: Trial[] = [];
  let [left_out, planned] = [0, 0];
  const { settings: schema } = describeEditor(editor);
  const attemptAll = async (proposed: readonly EditorSettings[]) => {
    const all = proposed.filter((settings) => schema.safeParse({ ...config, ...settings }).success);
    planned += all.length;
    for (const settings of all) {
      options.signal?.throwIfAborted();
      if (trials.length > 0 && timeLeft() <= 0) {
        left_out++;
        continue;
      }
      const trial = { settings, ...(await scoreOf(settings, tried)) };
      trials.push(trial);
      options.onTrial?.(trials.length, planned, trial);
    }
  };
  await attemptAll(layerCandidates(config, model.spec.layers, input.layers));
  const placed = bestOf(trials).settings;
  await attemptAll(clampCandidates(config).map((clamp) => ({ ...placed, ...clamp })));
  const best = bestOf(trials).settings;
  const before = await scoreOf({}, judging);
  const after = Object.keys(best).length === 0 ? before : await scoreOf(best, judging);
  return { trials, left_out, best, held_apart: { edits: judging.length, before, after } };
}

/** The first of the best: of equals that which is nearest to what was there. */
const bestOf = (trials: readonly Trial[]): Trial =>
  trials.reduce((best, trial) => (trial.score > best.score ? trial : best));

/** Makes edits as they would be made, in one batch or each alone, and scores them. */
function scorer(
  { model, tokenizer, editor, config, artefactsOf, seed }: TuningInput,
  { signal }: TuningOptions,
): (settings: EditorSettings, edits: readonly Edit[]) => Promise<TuningScore> {
  const parent = model.view();
  const cache = createAnswerCache();
  return async (settings, edits) => {
    const chosen = { ...config, ...settings };
    const artefacts = await artefactsOf(chosen);
    const batches = describeEditor(editor).batched ? [edits] : edits.map((edit) => [edit]);
    const results = [];
    for (const batch of batches) {
      const making = { editor, model, view: parent, edits: batch, config: chosen, artefacts, seed };
      const made = await makeEdits(making, { onError: 'continue', ...(signal && { signal }) });
      // What could not be made is judged as what the model says without it.
      const { perEdit } = await evaluateCandidate({
        parent,
        candidate: made.candidate(),
        tokenizer,
        edits: batch,
        cache,
      });
      results.push(...perEdit);
    }
    const reliability =
      pooled(results.map(({ reliability }) => ({ ...reliability.after, count: 1 }) as MeanScore)) ?? 0;
    const generalization = pooled(results.map(({ generalization }) => generalization?.after));
    const locality = pooled(results.map(({ locality }) => locality.neighbourhood));
    const measured = [reliability, generalization, locality].filter((score) => score !== null);
    return { reliability, generalization, locality, score: harmonicMean(measured) };
  };
}
