// The forward programs: scores, next-token logits and keys/values of a batch, with or without codebooks.

import {
  argMax,
  type Dim,
  float32,
  gather,
  gatherElements,
  gemm,
  type HostTensor,
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
import type { KeysValues } from './architectures/attention.ts';
import { buildDecoder, type Site, type Tap } from './architectures/decoder.ts';
import type { DecoderSpec } from './architectures/spec.ts';
import { type CodebookDelta, type CodebookSite, codebookKeySite } from './deltas.ts';
import type { WeightSource } from './program-cache.ts';

/** Where a codebook acts. */
export interface CodebookPlace {
  readonly site: CodebookSite;
  readonly layer: number;
}

const feedName = ({ site, layer }: CodebookPlace, part: 'keys' | 'values' | 'radii') => `${part}.${site}.${layer}`;

/** Feeds of a codebook's arrays. */
export function codebookFeeds(book: CodebookDelta): Record<string, HostTensor> {
  const n = book.radii.length;
  return {
    [feedName(book, 'keys')]: float32([n, book.keySize], book.keys),
    [feedName(book, 'values')]: float32([n, book.valueSize], book.values),
    [feedName(book, 'radii')]: float32([n], book.radii),
  };
}

/**
 * Replaces a site's output at some rows by the value of the nearest key within its radius. The nearest key is found by
 * |k|² - 2q·k, one Gemm over all keys; the distance that is held against the radius is then computed from the difference,
 * which does not cancel. A row without a hit is written back as it was.
 */
function lookUp(place: CodebookPlace, query: Tensor, output: Tensor, rows: Tensor): Tensor {
  const n: Dim = `n_${place.site}_${place.layer}`;
  const count = rows.dims[0]!;
  const keys = input(feedName(place, 'keys'), 'float32', [n, query.dims[1]!]);
  const values = input(feedName(place, 'values'), 'float32', [n, output.dims[1]!]);
  const radii = input(feedName(place, 'radii'), 'float32', [n]);
  const asked = gather(query, rows);
  const closeness = sub(mul(gemm(asked, keys, { transB: true }), 2), reshape(reduceSum(square(keys), [1]), [1, n]));
  const nearest = argMax(closeness);
  const distance = sqrt(reduceSum(square(sub(asked, gather(keys, nearest))), [1]));
  const hit = reshape(lessOrEqual(distance, gather(radii, nearest)), [count, 1]);
  return scatterRows(output, rows, where(hit, gather(values, nearest), gather(output, rows)));
}

/** A tap that lets codebooks act, at the rows fed as `codebook_rows` (none repeated). */
export function codebookTap(places: readonly CodebookPlace[]): Tap {
  const rows = input('codebook_rows', 'int32', ['C']);
  const queries = new Map<string, Tensor>();
  return (site, layer, activation) => {
    const keyed = places.find((place) => place.layer === layer && codebookKeySite[place.site] === site);
    if (keyed) queries.set(`${keyed.site} ${layer}`, activation);
    const acting = places.find((place) => place.layer === layer && place.site === site);
    return acting ? lookUp(acting, queries.get(`${site} ${layer}`)!, activation, rows) : activation;
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
  books: readonly CodebookPlace[],
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
  books: readonly CodebookPlace[],
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
