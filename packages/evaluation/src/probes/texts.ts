// What versions write about a subject: whether it varies, whether it is about what it should be, how the subject's own text fares.
import { sha256 } from '@errata/contracts';
import { encodePrompt, type View } from '@errata/models';
import type { AnswerCache, Respondent } from '../answers.ts';
import type { DatasetCase } from '../datasets/cases.ts';
import type { EvaluationOptions } from '../evaluate.ts';
import type { Measurement } from '../measurements.ts';
import { textEntropy } from '../metrics/entropy.ts';
import { mean } from '../metrics/means.ts';
import { fitTfidf, type Tfidf } from '../metrics/tfidf.ts';
import { type CaseMeasurements, inOrderOf, type Probing, sortOut, tooLong } from './probing.ts';

/** Tokens of a prompt and its continuation together, and how the continuation is sampled: as the code of ROME does. */
const textTokens = 100;
const sampling = { temperature: 1, topK: 5 } as const;

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
    key: JSON.stringify([case_id, asked.prompts, seed]),
  }));
  const unwritten = writing.filter(({ key }) => cache?.get(key) === undefined);
  const parentWrote = await writeTexts({ view: parent, tokenizer }, unwritten, seed, options);
  const candidateWrote = await writeTexts({ view: candidate, tokenizer }, writing, seed, options);
  for (const { case_id, prompts, references, key } of writing) {
    const before = parentWrote.get(case_id) ?? cache!.get(key)!;
    const after = candidateWrote.get(case_id)!;
    cache?.set(key, before);
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

/** Prompts of one call of the model; cancellation is seen between calls. */
const promptsAtOnce = 64;

/**
 * Each case's prompts with their continuations, up to {@link textTokens} together or the end of the context. A prompt draws from
 * a stream named after its case, so that its text depends on no other.
 */
async function writeTexts(
  { view, tokenizer }: Respondent,
  cases: readonly { readonly case_id: string; readonly prompts: readonly string[] }[],
  seed: number,
  { signal }: EvaluationOptions,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const texts = new Map<string, string[]>(cases.map(({ case_id }) => [case_id, []]));
  const all = cases.flatMap(({ case_id, prompts }) =>
    prompts.map((prompt, index) => ({
      case_id,
      ids: encodePrompt(tokenizer, prompt),
      stream: Number.parseInt(sha256(JSON.stringify([case_id, index])).slice(0, 8), 16),
    })),
  );
  for (let at = 0; at < all.length; at += promptsAtOnce) {
    signal?.throwIfAborted();
    const chunk = all.slice(at, at + promptsAtOnce);
    const room = ({ ids }: { readonly ids: readonly number[] }) => Math.max(0, textTokens - ids.length);
    const written = await view.generate(
      chunk.map(({ ids }) => ids),
      {
        ...sampling,
        seed,
        streams: chunk.map(({ stream }) => stream),
        maxTokens: Math.max(...chunk.map(room)),
        ...(tokenizer.eosId !== undefined && { stop: [tokenizer.eosId] }),
        ...(signal && { signal }),
      },
    );
    for (const [index, each] of chunk.entries()) {
      const ids = [...each.ids, ...written[index]!.tokens.slice(0, room(each))];
      texts.get(each.case_id)!.push(tokenizer.decode(ids, { skipSpecialTokens: true }));
    }
  }
  return texts;
}

/** JSON has no infinity: a model so broken that its perplexity is not a number has the largest there is. */
async function perplexityOf(view: View, ids: readonly number[]): Promise<number> {
  const { perplexity } = await view.perplexity(ids);
  return Number.isFinite(perplexity) ? perplexity : Number.MAX_VALUE;
}
