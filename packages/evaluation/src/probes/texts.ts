// What versions write about a subject: whether it varies, whether it is about what it should be, how the subject's own text fares.
import type { Model, Tokenizer, View } from '@errata/models';
import type { AnswerCache } from '../asking/answers.ts';
import { textTokens, writeTexts, writeTextsTogether } from '../asking/written-texts.ts';
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
  /** What the candidate has written already, see {@link writeAhead}. */
  readonly written?: AnswerCache<readonly string[]>;
  /** Of the reference texts of all records that belong together, {@link referencesOf}; of these cases when left out. */
  readonly tfidf?: Tfidf;
}

/** The document frequencies by which the texts of some records are compared with their references. */
export const referencesOf = (cases: readonly DatasetCase[]): Tfidf =>
  fitTfidf(cases.flatMap(({ generation }) => generation?.references?.consistency ?? []));

/** Of equal keys a version writes equal texts. */
const textsKey = (prompts: readonly string[], seed: number): string => JSON.stringify([prompts, seed]);

/** Has several versions write the texts of their cases in one go, into caches in which {@link measureTexts} finds them. */
export async function writeAhead(
  { model, tokenizer, seed }: { readonly model: Model; readonly tokenizer: Tokenizer; readonly seed: number },
  asked: readonly {
    readonly view: View;
    readonly cases: readonly DatasetCase[];
    readonly cache: AnswerCache<readonly string[]>;
  }[],
  options: EvaluationOptions = {},
): Promise<void> {
  const groups = asked.flatMap(({ view, cases, cache }) =>
    cases.flatMap(({ generation }) => {
      const prompts = generation?.prompts ?? [];
      const key = textsKey(prompts, seed);
      const due = prompts.length > 0 && tooLong({ view, tokenizer }, prompts) === undefined;
      return due && cache.get(key) === undefined ? [{ view, prompts, cache, key }] : [];
    }),
  );
  const texts = await writeTextsTogether({ model, tokenizer }, groups, { ...options, seed });
  for (const [index, { cache, key }] of groups.entries()) cache.set(key, texts[index]!);
}

/** Metrics `ngram_entropy`, `reference_score` and `essence.perplexity` of the cases that have prompts to write from. */
export async function measureTexts(
  { parent, candidate, tokenizer, cases, seed = 0, cache, written, tfidf = referencesOf(cases) }: TextProbing,
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
    key: textsKey(asked.prompts, seed),
  }));
  const write = async (view: View, kept: Pick<AnswerCache<readonly string[]>, 'get' | 'set'>) => {
    const unwritten = writing.filter(({ key }) => kept.get(key) === undefined);
    const texts = await writeTexts(
      { view, tokenizer },
      unwritten.map(({ prompts }) => prompts),
      { ...options, seed },
    );
    for (const [index, { key }] of unwritten.entries()) kept.set(key, texts[index]!);
    return kept;
  };
  const parentWrote = await write(parent, cache ?? new Map<string, readonly string[]>());
  const candidateWrote = await write(candidate, written ?? new Map<string, readonly string[]>());
  for (const { case_id, prompts, references, key } of writing) {
    const before = parentWrote.get(key)!;
    const after = candidateWrote.get(key)!;
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
