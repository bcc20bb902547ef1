// What a run works with from its first unit to its last: the base, what is known of it, and how far the run has come.
import { type Cost, type Edit, noCost, type OpenUnit, type ProtocolSteps, type ProtocolUnit } from '@errata/contracts';
import { type EditOutcome, makeEdits } from '@errata/editors';
import type { View } from '@errata/models';
import { type AnswerCache, createAnswerCache } from '../asking/answers.ts';
import { type EditQuestions, questionsOfEdit } from '../asking/questions.ts';
import type { DatasetCase } from '../datasets/cases.ts';
import type { Tfidf } from '../metrics/tfidf.ts';
import type { EvaluationOptions } from '../options.ts';
import { referencesOf } from '../probes/texts.ts';
import { defaultWriters, type PreparedEditor, type ProtocolRun, type RunOptions, type RunProgress } from './inputs.ts';
import { watchMemory } from './peak-memory.ts';
import type { Run } from './run-directory.ts';

export interface Work {
  readonly run: Run;
  readonly input: ProtocolRun;
  readonly base: View;
  /** The base's answers, and the texts it wrote. */
  readonly baseAnswers: AnswerCache;
  readonly baseTexts: AnswerCache<readonly string[]>;
  /** By which texts are compared with their references: the same whatever cases are asked about together. */
  readonly tfidf: Tfidf;
  /** Cases that texts are written for. */
  readonly writers: ReadonlySet<DatasetCase>;
  readonly signal: AbortSignal | undefined;
  /** Tells how far the run is, having done with some more cases, and stops it where it was told to. */
  readonly advance: (stage: RunProgress['stage'], cases: number, edits: number) => void;
}

/** Answers of the base that are kept: those of some thousand cases. */
const answersKept = 200_000;

/** @param measurements of a case that the whole run will make */
export function startWork(run: Run, input: ProtocolRun, options: RunOptions, measurements: number): Work {
  const base = input.model.view();
  const withPrompts = input.cases.filter(({ generation }) => (generation?.prompts.length ?? 0) > 0);
  let done = 0;
  return {
    run,
    input,
    base,
    baseAnswers: createAnswerCache(answersKept),
    baseTexts: createAnswerCache(answersKept),
    tfidf: referencesOf(input.cases),
    writers: new Set(withPrompts.slice(0, input.writers ?? defaultWriters)),
    signal: options.signal,
    advance: (stage, cases, edits) => {
      options.signal?.throwIfAborted();
      done += cases;
      options.onProgress?.({ stage, done, total: measurements, edits });
    },
  };
}

/** Counts what a piece of work costs. */
export interface Meter {
  /** Times something; how long it took is in the cost, under the name given. */
  readonly time: <T>(what: 'edit_seconds' | 'answer_seconds', work: () => Promise<T>) => Promise<T>;
  /** Notes what is not timed here: counts, and a share of the time of asking several versions together. */
  readonly note: (more: Partial<Omit<Cost, 'edit_seconds' | 'peak_bytes'>>) => void;
  /** To be given to what asks questions. */
  readonly asking: EvaluationOptions;
  readonly cost: () => Cost;
}

export function startMeter({ signal }: Pick<Work, 'signal'>): Meter {
  const cost = { ...noCost };
  const peak = watchMemory();
  const note: Meter['note'] = (more) => {
    for (const [name, amount] of Object.entries(more)) cost[name as 'edits'] += amount;
  };
  return {
    time: async (what, work) => {
      const started = performance.now();
      const value = await work();
      cost[what] += (performance.now() - started) / 1000;
      return value;
    },
    note,
    asking: { onAnswered: note, ...(signal && { signal }) },
    cost: () => ({ ...cost, peak_bytes: peak() }),
  };
}

/** What a protocol does with its units in this process. */
export type Steps = ProtocolSteps<DatasetCase, View>;

export const openUnit = ({ cases }: Pick<ProtocolRun, 'cases'>, unit: ProtocolUnit): OpenUnit<DatasetCase> => ({
  unit,
  cases: cases.slice(unit.first, unit.first + unit.to - unit.from),
});

/** Makes the edits of some cases upon a version: one that cannot be made fails alone. */
export async function makeEditsOf(
  { input: { model, seed }, signal }: Work,
  { name, config, artefacts }: PreparedEditor,
  view: View,
  cases: readonly DatasetCase[],
  meter: Meter,
): Promise<{ readonly view: View; readonly outcomes: readonly EditOutcome[] }> {
  const edits = editsOf(cases);
  const { deltas, outcomes, candidate } = await meter.time('edit_seconds', () =>
    makeEdits(
      { editor: name, model, view, edits, config, artefacts, seed },
      { onError: 'continue', ...(signal && { signal }) },
    ),
  );
  meter.note({
    edits: edits.length,
    stored_bytes: deltas.reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
  });
  return { view: candidate(), outcomes };
}

export const editsOf = (cases: readonly DatasetCase[]): readonly Edit[] => cases.flatMap(({ edits }) => edits);

/** All that a protocol asks about an edit. */
export const questionsOf = (edit: Edit): EditQuestions => questionsOfEdit(edit, { rivals: true });
