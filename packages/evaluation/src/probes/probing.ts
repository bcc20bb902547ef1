// What the probes of a data set's cases have in common: two versions, cases, and measurements by case.
import type { ErrataError } from '@errata/contracts';
import { encodePrompt, type Tokenizer, type View } from '@errata/models';
import { promptTooLong, unaskable } from '../asking/answers.ts';
import type { Respondent } from '../asking/prompts.ts';
import type { Question } from '../asking/questions.ts';
import type { Measurement } from '../cases/measurements.ts';
import type { DatasetCase } from '../datasets/cases.ts';
import type { EvaluationOptions } from '../options.ts';

/** Cases whose edits the candidate has, to be asked of it and of the version without them. */
export interface Probing {
  readonly parent: View;
  readonly candidate: View;
  readonly tokenizer: Tokenizer;
  readonly cases: readonly DatasetCase[];
}

/** What was measured of one case. */
export interface CaseMeasurements {
  readonly case_id: string;
  /** None where the case has no such probes. */
  readonly measurements: readonly Measurement[];
  /** Why the case could not be asked; null where it was. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** A measurement of a fraction of questions, or null where nothing was asked. */
export const measurement = (
  metric: string,
  value: number | null,
  before: number | null,
  count: number,
): readonly Measurement[] => (value === null ? [] : [{ metric, value, before, count }]);

/** Prompts of one call of the model; cancellation is seen between calls. */
const promptsAtOnce = 256;

/** Greedy continuations by prompt, each prompt continued once. */
export async function greedyTexts(
  { view, tokenizer }: Respondent,
  prompts: Iterable<string>,
  maxTokens: number,
  { signal }: EvaluationOptions,
): Promise<ReadonlyMap<string, string>> {
  const distinct = [...new Set(prompts)];
  const texts = new Map<string, string>();
  for (let at = 0; at < distinct.length; at += promptsAtOnce) {
    signal?.throwIfAborted();
    const chunk = distinct.slice(at, at + promptsAtOnce);
    const found = await view.generate(
      chunk.map((prompt) => encodePrompt(tokenizer, prompt)),
      { maxTokens, ...(tokenizer.eosId !== undefined && { stop: [tokenizer.eosId] }), ...(signal && { signal }) },
    );
    for (const [index, prompt] of chunk.entries())
      texts.set(prompt, tokenizer.decodeContinuation(found[index]!.tokens));
  }
  return texts;
}

/** Why a prompt leaves the model no room to answer; undefined where it does. */
export function tooLong({ view, tokenizer }: Respondent, prompts: readonly string[]): ErrataError | undefined {
  for (const prompt of prompts) {
    const tokens = encodePrompt(tokenizer, prompt).length + 1;
    if (tokens > view.spec.context) return promptTooLong(prompt, tokens, view.spec.context);
  }
  return undefined;
}

/** Cases by whether their questions can be asked; what cannot is reported for its case and costs the others nothing. */
export function sortOut<T>(
  cases: readonly { readonly case_id: string; readonly asked: T }[],
  obstacle: (asked: T) => ErrataError | undefined,
): {
  readonly open: readonly { readonly case_id: string; readonly asked: T }[];
  readonly failed: readonly CaseMeasurements[];
} {
  const failed: CaseMeasurements[] = [];
  const open = cases.filter(({ case_id, asked }) => {
    const error = obstacle(asked);
    if (error !== undefined)
      failed.push({ case_id, measurements: [], error: { code: error.code, message: error.message } });
    return error === undefined;
  });
  return { open, failed };
}

/** {@link sortOut} for questions. */
export const askable =
  (respondent: Respondent) =>
  (questions: readonly Question[]): ErrataError | undefined =>
    unaskable(respondent, questions);

/** Measurements in the order of the cases. */
export const inOrderOf = (
  cases: readonly { readonly id: string }[],
  found: readonly CaseMeasurements[],
): readonly CaseMeasurements[] => {
  const byId = new Map(found.map((each) => [each.case_id, each]));
  return cases.flatMap(({ id }) => byId.get(id) ?? []);
};
