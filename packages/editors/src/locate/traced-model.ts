// The programs of causal tracing: one that records what passes through a prompt, and those that go on from a layer with clean states put back.
import {
  add,
  addDims,
  float32,
  float32Data,
  type HostTensor,
  input,
  int32,
  logSoftmax,
  mulDims,
  scatterRows,
  type Tensor,
} from '@errata/graph';
import { buildDecoder, causalBias, type Tap, type View } from '@errata/models';
import { repeated, runPruned } from '../search/programs.ts';
import { packSequences, sequenceFeeds, sequenceInputs } from '../search/tracer.ts';
import { type TracedSite, tracedSites } from './told.ts';

const cacheName = (part: 'key' | 'value', layer: number): string => `${part}_${layer}`;
const slotName = (site: TracedSite, layer: number): string => `${site} ${layer}`;
const isTraced = (site: string): site is TracedSite => (tracedSites as readonly string[]).includes(site);

/** What passed through copies of a prompt. */
export interface Recorded {
  /** Log-probabilities of the next token, `[copies, vocab]`. */
  readonly logProbs: Float32Array;
  /** What a site put out at a layer, `[copies * T, width]`. */
  state(site: TracedSite, layer: number): Float32Array;
  /** The stream before a layer, `[copies * T, width]`. */
  before(layer: number): Float32Array;
  /** Keys and values of a layer, `[copies, kvHeads, T, headDim]`. */
  cached(layer: number, part: 'key' | 'value'): Float32Array;
}

/**
 * Runs copies of a prompt, one for each noise.
 * @param noise added to the embeddings of a copy, `[T, width]`
 */
export async function record(view: View, ids: readonly number[], noise: readonly Float32Array[]): Promise<Recorded> {
  const { width } = view.spec;
  const program = await view.program('trace states', (weight) => {
    const states: Record<string, Tensor> = {};
    const tap: Tap = (site, layer, x) => {
      if (site === 'embed') {
        states.embed = add(x, input('noise', 'float32', [mulDims('B', 'T'), width]));
        return states.embed;
      }
      if (isTraced(site)) states[slotName(site, layer)] = x;
      return x;
    };
    const rows = input('rows', 'int32', ['R']);
    const { logits, present } = buildDecoder(view.spec, { ...sequenceInputs(), weight, rows, tap });
    for (const [layer, { key, value }] of present.entries()) {
      states[cacheName('key', layer)] = key;
      states[cacheName('value', layer)] = value;
    }
    return { ...states, log_probs: logSoftmax(logits()) };
  });
  const packed = packSequences(noise.map(() => ({ ids })));
  const { batch, time } = packed;
  const added = new Float32Array(batch * time * width);
  for (const [b, own] of noise.entries()) added.set(own, b * time * width);
  const out = await runPruned(program, {
    ...sequenceFeeds(packed),
    noise: float32([batch * time, width], added),
    rows: int32([batch], lastRows(batch, time)),
  });
  const read = (name: string) => float32Data(out[name]!);
  return {
    logProbs: read('log_probs'),
    state: (site, layer) => read(slotName(site, layer)),
    before: (layer) => read(layer === 0 ? 'embed' : slotName('block_out', layer - 1)),
    cached: (layer, part) => read(cacheName(part, layer)),
  };
}

/** Clean states to put back. */
export interface Restoration {
  readonly site: TracedSite;
  /** Of consecutive layers. */
  readonly layers: readonly number[];
  readonly clean: Recorded;
}

/**
 * log p(answer) after each corrupted copy of a prompt, with clean states put back at one token of it. Layers below, and tokens before all
 * those, are as they were recorded: nothing of them is computed anew.
 * @param positions in ascending order
 * @returns by position, then by corrupted copy
 */
export async function restore(
  view: View,
  time: number,
  answer: number,
  corrupted: Recorded,
  runs: number,
  positions: readonly number[],
  { site, layers, clean }: Restoration,
): Promise<readonly number[]> {
  const { width, vocab, kvHeads, headDim } = view.spec;
  const [from, to] = [layers[0]!, layers.at(-1)!];
  const program = await view.program(`trace restored ${site} ${from} ${to}`, (weight) => {
    const rows = input('put_rows', 'int32', ['B']);
    const tap: Tap = (at, layer, x) =>
      at === site && layers.includes(layer)
        ? scatterRows(x, rows, input(`clean ${layer}`, 'float32', ['B', width]))
        : x;
    const { start: _, bias: __, ...inputs } = sequenceInputs();
    const cache = (part: 'key' | 'value', layer: number) =>
      input(`past_${cacheName(part, layer)}`, 'float32', ['B', kvHeads, 'P', headDim]);
    const { logits } = buildDecoder(view.spec, {
      ...inputs,
      start: { kind: 'hidden', hidden: input('hidden', 'float32', [mulDims('B', 'T'), width]) },
      bias: input('bias', 'float32', ['B', 1, 'T', addDims('P', 'T')]),
      past: Array.from({ length: view.spec.layers - from }, (_, i) => ({
        key: cache('key', from + i),
        value: cache('value', from + i),
      })),
      from,
      weight,
      rows: input('rows', 'int32', ['R']),
      tap,
    });
    return { log_probs: logSoftmax(logits()) };
  });
  const first = positions[0]!;
  const left = time - first;
  const copies = positions.length * runs;
  /** Of every run and head the rows from `start` on, `count` of them, of an array `[parts, T, size]`; all that for each position. */
  const cut = (data: Float32Array, parts: number, size: number, start: number, count: number) => {
    const found = new Float32Array(parts * count * size);
    for (let part = 0; part < parts; part++) {
      const at = (part * time + start) * size;
      found.set(data.subarray(at, at + count * size), part * count * size);
    }
    return repeated(found, positions.length);
  };
  const past = (part: 'key' | 'value', layer: number) =>
    float32([copies, kvHeads, first, headDim], cut(corrupted.cached(layer, part), runs * kvHeads, headDim, 0, first));
  const bias = causalBias(1, time).subarray(first * time);
  const feeds: Record<string, HostTensor> = {
    positions: int32(
      [copies * left],
      Int32Array.from({ length: copies * left }, (_, row) => first + (row % left)),
    ),
    bias: float32([copies, 1, left, time], repeated(bias, copies)),
    hidden: float32([copies * left, width], cut(corrupted.before(from), runs, width, first, left)),
    rows: int32([copies], lastRows(copies, left)),
    put_rows: int32(
      [copies],
      Int32Array.from({ length: copies }, (_, b) => b * left + positions[Math.floor(b / runs)]! - first),
    ),
  };
  for (let layer = from; layer < view.spec.layers; layer++)
    for (const part of ['key', 'value'] as const) feeds[`past_${cacheName(part, layer)}`] = past(part, layer);
  for (const layer of layers) {
    const state = clean.state(site, layer);
    const own = new Float32Array(copies * width);
    for (const [i, at] of positions.entries())
      own.set(repeated(state.subarray(at * width, (at + 1) * width), runs), i * runs * width);
    feeds[`clean ${layer}`] = float32([copies, width], own);
  }
  const logProbs = float32Data((await runPruned(program, feeds)).log_probs!);
  return Array.from({ length: copies }, (_, b) => logProbs[b * vocab + answer]!);
}

const lastRows = (batch: number, time: number) => Int32Array.from({ length: batch }, (_, b) => b * time + time - 1);
