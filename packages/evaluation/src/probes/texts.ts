// What versions write about a subject: whether it varies, whether it is about what it should be, how the subject's own text fares.
import type { View } from '@errata/models';
import type { AnswerCache } from '../asking/answers.ts';
import { textTokens, writeTexts } from '../asking/written-texts.ts';
import type { Measurement } from '../cases/measurements.ts';
import type { DatasetCase } from '../datasets/cases.ts';
import { textEntropy } from '../metrics/entropy.ts';
import { mean } from '../metrics/means.ts';
import { fitTfidf, type Tfidf } from '../metrics/tfidf.ts';
import type { EvaluationOptions } from '../options.ts';
import { type CaseMeasurements, inOrderOf, type Probing, sortOut, tooLong } from './probing.ts';

export interface TextProbing extends Probing {
  /** Default 0. */
  readonly seed?: number;
  /** Keeps what the parent wrote from one evaluation to the next. */
  readonly cache?: AnswerCache<readonly string[]>;
  /** Of the reference texts of all records that belong together, {@link referencesOf}; of these cases when left out. */
  readonly tfidf?: Tfidf;
}

/** The document frequencies by which the texts of some records are compared with their references. */
export const referencesOf = (cases: readonly DatasetCase[]): Tfidf =>
  fitTfidf(cases.flatMap(({ generation }) => generation?.references?.consistency ?? []));

/** Metrics `ngram_entropy`, `reference_score` and `essence.perplexity` of the cases that have prompts to write from. */
export async function measureTexts(
  { parent, candidate, tokenizer, cases, seed = 0, cache, tfidf = referencesOf(cases) }: TextProbing,
  options: EvaluationOptions = {},
): Promise<readonly CaseMeasurements[]> {
  const withPrompts = cases.flatMap(({ id, generation }) =>
    generation === undefined || generation.prompts.length === 0 ? [] : [{ case_id: id, asked: generation }],
  );
  const { open, failed } = sortOut(withPrompts, ({ prompts }) => tooLong({ view: parent, tokenizer }, prompts));
  const found: CaseMeasurements[] = [];
  const writing = open.map(({ case_id, asked }) => ({
    case_id,
    prompts: asked.prompts,
    references: asked.references ?? { consistency: [], essence: [] },
    key: JSON.stringify([asked.prompts, seed]),
  }));
  const write = (view: View, cases: readonly { readonly prompts: readonly string[] }[]) =>
    writeTexts(
      { view, tokenizer },
      cases.map(({ prompts }) => prompts),
      { ...options, seed },
    );
  const kept = cache ?? new Map<string, readonly string[]>();
  const unwritten = writing.filter(({ key }) => kept.get(key) === undefined);
  const parentWrote = await write(parent, unwritten);
  for (const [index, { key }] of unwritten.entries()) kept.set(key, parentWrote[index]!);
  const candidateWrote = await write(candidate, writing);
  for (const [index, { case_id, prompts, references, key }] of writing.entries()) {
    const before = kept.get(key)!;
    const after = candidateWrote[index]!;
    const entropy = (texts: readonly string[]) => mean(texts.map(textEntropy));
    const measurements: Measurement[] = [
      { metric: 'ngram_entropy', value: entropy(after), before: entropy(before), count: prompts.length },
    ];
    const { consistency, essence } = references;
    if (consistency.length > 0) {
      const score = (texts: readonly string[]) => tfidf.similarity(texts.join(' '), consistency.join(' '));
      measurements.push({
        metric: 'reference_score',
        value: score(after),
        before: score(before),
        count: prompts.length,
      });
    }
    const ids = essence.length === 0 ? [] : tokenizer.encode(essence.join(' ')).slice(0, textTokens);
    if (ids.length > 1) {
      const [was, is] = [await perplexityOf(parent, ids), await perplexityOf(candidate, ids)];
      measurements.push({ metric: 'essence.perplexity', value: is, before: was, count: essence.length });
    }
    found.push({ case_id, measurements, error: null });
  }
  return inOrderOf(cases, [...found, ...failed]);
}

/** JSON has no infinity: a model so broken that its perplexity is not a number has the largest there is. */
async function perplexityOf(view: View, ids: readonly number[]): Promise<number> {
  const { perplexity } = await view.perplexity(ids);
  return Number.isFinite(perplexity) ? perplexity : Number.MAX_VALUE;
}
