// The programs of causal tracing: one that records what passes through a prompt, and those that go on from a layer with clean states put back.
import {
  add,
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
import { buildDecoder, type Tap, type View } from '@errata/models';
import { runPruned } from '../search/programs.ts';
import { packSequences, sequenceFeeds, sequenceInputs } from '../search/tracer.ts';
import { type TracedSite, tracedSites } from './told.ts';

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
    const { logits } = buildDecoder(view.spec, { ...sequenceInputs(), weight, rows, tap });
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
  };
}

/** Clean states to put back. */
export interface Restoration {
  readonly site: TracedSite;
  /** Of consecutive layers. */
  readonly layers: readonly number[];
  readonly clean: Recorded;
}

/** A corrupted copy of the prompt: which of those that were recorded, and the token whose clean states it is given. */
export interface RestoredCopy {
  readonly run: number;
  readonly position: number;
}

/** log p(answer) after each copy, with clean states put back at its token. Layers below are as they were recorded. */
export async function restore(
  view: View,
  ids: readonly number[],
  answer: number,
  corrupted: Recorded,
  copies: readonly RestoredCopy[],
  { site, layers, clean }: Restoration,
): Promise<readonly number[]> {
  const { width, vocab } = view.spec;
  const [from, to] = [layers[0]!, layers.at(-1)!];
  const program = await view.program(`trace restored ${site} ${from} ${to}`, (weight) => {
    const rows = input('put_rows', 'int32', ['B']);
    const tap: Tap = (at, layer, x) =>
      at === site && layers.includes(layer)
        ? scatterRows(x, rows, input(`clean ${layer}`, 'float32', ['B', width]))
        : x;
    const { start: _, ...inputs } = sequenceInputs();
    const { logits } = buildDecoder(view.spec, {
      ...inputs,
      start: { kind: 'hidden', hidden: input('hidden', 'float32', [mulDims('B', 'T'), width]) },
      from,
      weight,
      rows: input('rows', 'int32', ['R']),
      tap,
    });
    return { log_probs: logSoftmax(logits()) };
  });
  const { ids: _, ...layout } = sequenceFeeds(packSequences(copies.map(() => ({ ids }))));
  const [batch, time] = [copies.length, ids.length];
  const stream = corrupted.before(from);
  const hidden = new Float32Array(batch * time * width);
  for (const [b, { run }] of copies.entries())
    hidden.set(stream.subarray(run * time * width, (run + 1) * time * width), b * time * width);
  const feeds: Record<string, HostTensor> = {
    ...layout,
    hidden: float32([batch * time, width], hidden),
    rows: int32([batch], lastRows(batch, time)),
    put_rows: int32(
      [batch],
      Int32Array.from(copies, ({ position }, b) => b * time + position),
    ),
  };
  for (const layer of layers) {
    const state = clean.state(site, layer);
    const own = new Float32Array(batch * width);
    for (const [b, { position }] of copies.entries())
      own.set(state.subarray(position * width, (position + 1) * width), b * width);
    feeds[`clean ${layer}`] = float32([batch, width], own);
  }
  const logProbs = float32Data((await runPruned(program, feeds)).log_probs!);
  return copies.map((_, b) => logProbs[b * vocab + answer]!);
}

const lastRows = (batch: number, time: number) => Int32Array.from({ length: batch }, (_, b) => b * time + time - 1);
