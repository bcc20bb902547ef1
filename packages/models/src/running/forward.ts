// The forward programs: scores, next-token logits and keys/values of a batch, with or without codebooks.

import {
  argMax,
  type Dim,
  float32,
  gather,
  gatherElements,
  gemm,
  type HostTensor,
  type HostTensors,
  input,
  int32,
  lessOrEqual,
  logSoftmax,
  mul,
  reduceSum,
  reshape,
  scatterRows,
  sqrt,
  square,
  sub,
  type Tensor,
  where,
} from '@errata/graph';
import type { KeysValues } from '../architectures/blocks/attention.ts';
import { buildDecoder, type Site, type Tap } from '../architectures/decoder.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import { type CodebookDelta, type CodebookPlace, codebookKeySite, type Replacement } from '../deltas/codebooks.ts';
import type { PromptRows } from './batches.ts';
import type { WeightSource } from './program-cache.ts';

/** The forward program of one version. For the use of score and generate. */
export interface Forward {
  readonly spec: DecoderSpec;
  /**
   * @param feeds of {@link forwardGraph}, without weights and codebooks
   * @param prompts rows of the prompts that lie in this run, each as a whole: where codebooks act
   */
  readonly run: (feeds: HostTensors, prompts: readonly PromptRows[]) => Promise<Readonly<Record<string, HostTensor>>>;
}

const feedName = ({ site, layer }: CodebookPlace, part: string) => `${part}.${site}.${layer}`;

/** A codebook as a graph has to know it; its rows are fed. */
export interface ActingBook extends CodebookPlace {
  /** Whether rows of it replace more than the last output of a prompt. */
  readonly onPrompt: boolean;
}

export const actingBook = ({ site, layer, replacements }: CodebookDelta): ActingBook => ({
  site,
  layer,
  onPrompt: replacements.includes('prompt'),
});

/** No distance is within it. */
const nowhere = -1;

/** Feeds of a codebook's arrays. Its radii are told apart by the outputs that a row replaces. */
export function codebookFeeds(book: CodebookDelta): Record<string, HostTensor> {
  const n = book.radii.length;
  const radiiOf = (acting: Replacement) =>
    float32(
      [n],
      book.radii.map((radius, row) => (book.replacements[row] === acting ? radius : nowhere)),
    );
  return {
    [feedName(book, 'keys')]: float32([n, book.keySize], book.keys),
    [feedName(book, 'values')]: float32([n, book.valueSize], book.values),
    [feedName(book, 'radii')]: radiiOf('last'),
    ...(actingBook(book).onPrompt ? { [feedName(book, 'prompt_radii')]: radiiOf('prompt') } : {}),
  };
}

/** Inputs that say where the prompts are, the same for all books. */
const promptInputs = () => ({
  /** Rows of the last prompt tokens. */
  last: input('codebook_rows', 'int32', ['C']),
  /** Rows of the prompt tokens before them, and which of the prompts each belongs to. */
  before: input('prompt_rows', 'int32', ['D']),
  of: input('prompt_of_row', 'int32', ['D']),
});
type PromptInputs = ReturnType<typeof promptInputs>;

/** Feeds of {@link promptInputs}, as far as these books take them. */
export function promptFeeds(books: readonly ActingBook[], prompts: readonly PromptRows[]): Record<string, HostTensor> {
  const feeds = { codebook_rows: indices(prompts.map(({ last }) => last)) };
  if (!books.some(({ onPrompt }) => onPrompt)) return feeds;
  const before = prompts.flatMap(({ first, last }, prompt) =>
    Array.from({ length: last - first }, (_, i) => ({ row: first + i, prompt })),
  );
  return {
    ...feeds,
    prompt_rows: indices(before.map(({ row }) => row)),
    prompt_of_row: indices(before.map(({ prompt }) => prompt)),
  };
}

/**
 * Replaces a site's output at some rows by the value of the nearest key within its radius. The nearest key is found by
 * |k|² - 2q·k, one Gemm over all keys; the distance that is held against the radius is then computed from the difference,
 * which does not cancel. A row without a hit is written back as it was.
 */
function lookUp(book: ActingBook, { last, before, of }: PromptInputs, query: Tensor, output: Tensor): Tensor {
  const n: Dim = `n_${book.site}_${book.layer}`;
  const keys = input(feedName(book, 'keys'), 'float32', [n, query.dims[1]!]);
  const values = input(feedName(book, 'values'), 'float32', [n, output.dims[1]!]);
  const asked = gather(query, last);
  const closeness = sub(mul(gemm(asked, keys, { transB: true }), 2), reshape(reduceSum(square(keys), [1]), [1, n]));
  const nearest = argMax(closeness);
  const distance = sqrt(reduceSum(square(sub(asked, gather(keys, nearest))), [1]));
  const value = gather(values, nearest);
  const hits = (radii: string) => lessOrEqual(distance, gather(input(feedName(book, radii), 'float32', [n]), nearest));
  const put = (into: Tensor, at: Tensor, hit: Tensor, found: Tensor) =>
    scatterRows(into, at, where(reshape(hit, [at.dims[0]!, 1]), found, gather(into, at)));
  const acted = put(output, last, hits('radii'), value);
  if (!book.onPrompt) return acted;
  return put(acted, before, gather(hits('prompt_radii'), of), gather(value, of));
}

/** A tap that lets codebooks act, on the prompts of {@link promptFeeds} (no row of theirs repeated). */
function codebookTap(books: readonly ActingBook[]): Tap {
  const prompts = promptInputs();
  const queries = new Map<string, Tensor>();
  return (site, layer, activation) => {
    const keyed = books.find((book) => book.layer === layer && codebookKeySite[book.site] === site);
    if (keyed) queries.set(`${keyed.site} ${layer}`, activation);
    const acting = books.find((book) => book.layer === layer && book.site === site);
    return acting ? lookUp(acting, prompts, queries.get(`${site} ${layer}`)!, activation) : activation;
  };
}

function composeTaps(taps: readonly Tap[]): Tap {
  return (site, layer, activation) => taps.reduce((x, tap) => tap(site, layer, x), activation);
}

/** Inputs that all forward graphs share, of symbolic batch B, time T and cached positions P. */
function sharedInputs(cached: boolean) {
  return {
    batch: 'B',
    time: 'T',
    start: { kind: 'ids', ids: input('ids', 'int32', ['B*T']) } as const,
    positions: input('positions', 'int32', ['B*T']),
    bias: input('bias', 'float32', ['B', 1, 'T', cached ? 'P+T' : 'T']),
  };
}

/**
 * Scores and logits of chosen rows, and the new keys and values. `rows` R and `targets` give `log_probs` and `best`;
 * `logit_rows` L are indices into R whose logits come out whole.
 */
export function forwardGraph(
  spec: DecoderSpec,
  weight: WeightSource,
  books: readonly ActingBook[],
): Record<string, Tensor> {
  const cache: KeysValues[] = spec.blocks.map((_, layer) => ({
    key: input(`past_key.${layer}`, 'float32', ['B', spec.kvHeads, 'P', spec.headDim]),
    value: input(`past_value.${layer}`, 'float32', ['B', spec.kvHeads, 'P', spec.headDim]),
  }));
  const { logits, present } = buildDecoder(spec, {
    ...sharedInputs(true),
    weight,
    past: cache,
    rows: input('rows', 'int32', ['R']),
    ...(books.length > 0 ? { tap: codebookTap(books) } : {}),
  });
  const all = logits();
  const targets = reshape(input('targets', 'int32', ['R']), ['R', 1]);
  const outputs: Record<string, Tensor> = {
    log_probs: reshape(gatherElements(logSoftmax(all), targets, 1), ['R']),
    best: argMax(all),
    logits: gather(all, input('logit_rows', 'int32', ['L'])),
  };
  for (const [layer, { key, value }] of present.entries()) {
    outputs[`key.${layer}`] = key;
    outputs[`value.${layer}`] = value;
  }
  return outputs;
}

/** A site of one layer. */
export interface SiteAt {
  readonly site: Site;
  readonly layer: number;
}

/** Output name of a captured site. */
export const captureName = ({ site, layer }: SiteAt): string => `${site}.${layer}`;

/** Activations at chosen sites and rows (`rows` R of the B*T), computed no further than the last of them. */
export function captureGraph(
  spec: DecoderSpec,
  weight: WeightSource,
  wanted: readonly SiteAt[],
  books: readonly ActingBook[],
): Record<string, Tensor> {
  const rows = input('rows', 'int32', ['R']);
  const outputs: Record<string, Tensor> = {};
  const headWanted = wanted.some(({ site }) => site === 'final_norm' || site === 'logits');
  const to = headWanted ? spec.layers : Math.max(...wanted.map(({ layer }) => layer)) + 1;
  const record: Tap = (site, layer, activation) => {
    const match = wanted.find((at) => at.site === site && at.layer === layer);
    // Those after the final norm have the wanted rows already.
    if (match)
      outputs[captureName(match)] = site === 'final_norm' || site === 'logits' ? activation : gather(activation, rows);
    return activation;
  };
  const acting = books.filter((book) => book.layer < to);
  const graph = buildDecoder(spec, {
    ...sharedInputs(false),
    weight,
    to,
    rows,
    tap: acting.length > 0 ? composeTaps([codebookTap(acting), record]) : record,
  });
  if (wanted.some(({ site }) => site === 'logits')) graph.logits();
  return outputs;
}

/** An int32 feed. */
export const indices = (values: readonly number[] | Int32Array): HostTensor =>
  int32([values.length], values instanceof Int32Array ? values : Int32Array.from(values));
