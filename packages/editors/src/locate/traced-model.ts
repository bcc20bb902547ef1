// The two programs of causal tracing: one that records a clean run, one that runs corrupted copies and puts clean states back.
import {
  add,
  float32,
  float32Data,
  gather,
  type HostTensor,
  input,
  int32,
  logSoftmax,
  mul,
  reshape,
  scatterRows,
  sub,
  type Tensor,
} from '@errata/graph';
import { buildDecoder, type Tap, type View } from '@errata/models';
import { runPruned } from '../search/programs.ts';
import { packSequences, sequenceFeeds, sequenceInputs } from '../search/tracer.ts';

/** The sites whose states are put back: the stream after a block, and what its MLP and its attention add to it. */
export const tracedSites = ['block_out', 'mlp_out', 'attn_out'] as const;
export type TracedSite = (typeof tracedSites)[number];

/** States of one prompt, `[T, width]` each. */
export type CleanStates = ReadonlyMap<string, Float32Array>;

const slotName = (site: TracedSite, layer: number): string => `${site} ${layer}`;
const isTraced = (site: string): site is TracedSite => (tracedSites as readonly string[]).includes(site);

/** Log-probabilities of the next token after a prompt, `[vocab]`, and the states on the way. */
export async function recordClean(
  view: View,
  ids: readonly number[],
): Promise<{ readonly logProbs: Float32Array; readonly states: CleanStates }> {
  const program = await view.program('trace clean', (weight) => {
    const states: Record<string, Tensor> = {};
    const tap: Tap = (site, layer, x) => {
      if (isTraced(site)) states[slotName(site, layer)] = x;
      return x;
    };
    const { logits } = buildDecoder(view.spec, {
      ...sequenceInputs(),
      weight,
      rows: input('rows', 'int32', ['R']),
      tap,
    });
    return { ...states, log_probs: logSoftmax(logits()) };
  });
  const out = await runPruned(program, {
    ...sequenceFeeds(packSequences([{ ids }])),
    rows: int32([1], Int32Array.of(ids.length - 1)),
  });
  const { log_probs, ...states } = out;
  return {
    logProbs: float32Data(log_probs!),
    states: new Map(Object.entries(states).map(([name, state]) => [name, float32Data(state)])),
  };
}

/** A copy of the prompt: what is added to its embeddings, and where its clean states are put back, if anywhere. */
export interface CorruptedCopy {
  /** `[T, width]`, zero where nothing is corrupted. */
  readonly noise: Float32Array;
  readonly position: number;
}

/**
 * log p(answer) after each corrupted copy of a prompt.
 * @param put the layers of a site whose clean states are put back, each at its copy's position; none for corruption alone
 */
export async function runCorrupted(
  view: View,
  ids: readonly number[],
  answer: number,
  copies: readonly CorruptedCopy[],
  put: { readonly site: TracedSite; readonly layers: readonly number[]; readonly states: CleanStates } | undefined,
): Promise<readonly number[]> {
  const { width, layers } = view.spec;
  const program = await view.program('trace corrupted', (weight) => {
    const rows = input('put_rows', 'int32', ['B']);
    const tap: Tap = (site, layer, x) => {
      if (site === 'embed') return add(x, input('noise', 'float32', ['B*T', width]));
      if (!isTraced(site)) return x;
      // Where nothing is put back the gate is 0, and a row is written as it was.
      const gate = reshape(input(`gate ${slotName(site, layer)}`, 'float32', ['B']), ['B', 1]);
      const clean = input(`clean ${slotName(site, layer)}`, 'float32', ['B', width]);
      return scatterRows(x, rows, blend(gate, clean, gather(x, rows)));
    };
    const last = input('rows', 'int32', ['R']);
    const { logits } = buildDecoder(view.spec, { ...sequenceInputs(), weight, rows: last, tap });
    return { log_probs: logSoftmax(logits()) };
  });
  const packed = packSequences(copies.map(() => ({ ids })));
  const { batch, time } = packed;
  const noise = new Float32Array(batch * time * width);
  for (const [b, copy] of copies.entries()) noise.set(copy.noise, b * time * width);
  const nothing = { gate: new Float32Array(batch), clean: new Float32Array(batch * width) };
  const feeds: Record<string, HostTensor> = {
    ...sequenceFeeds(packed),
    noise: float32([batch * time, width], noise),
    rows: int32(
      [batch],
      Int32Array.from(copies, (_, b) => b * time + time - 1),
    ),
    put_rows: int32(
      [batch],
      Int32Array.from(copies, ({ position }, b) => b * time + position),
    ),
  };
  for (const site of tracedSites)
    for (let layer = 0; layer < layers; layer++) {
      const slot = slotName(site, layer);
      const on = put?.site === site && put.layers.includes(layer);
      feeds[`gate ${slot}`] = float32([batch], on ? new Float32Array(batch).fill(1) : nothing.gate);
      feeds[`clean ${slot}`] = float32(
        [batch, width],
        on ? cleanRows(put.states.get(slot)!, copies, width) : nothing.clean,
      );
    }
  const logProbs = float32Data((await runPruned(program, feeds)).log_probs!);
  return copies.map((_, b) => logProbs[b * view.spec.vocab + answer]!);
}

function cleanRows(state: Float32Array, copies: readonly CorruptedCopy[], width: number): Float32Array {
  const rows = new Float32Array(copies.length * width);
  for (const [b, { position }] of copies.entries())
    rows.set(state.subarray(position * width, (position + 1) * width), b * width);
  return rows;
}

/** gate·clean + (1 - gate)·own, exact where the gate is 0 or 1. */
const blend = (gate: Tensor, clean: Tensor, own: Tensor): Tensor => add(mul(gate, clean), mul(sub(1, gate), own));
