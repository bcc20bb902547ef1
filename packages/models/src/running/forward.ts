// The forward programs: scores, next-token logits and keys/values of a batch, with or without memories that act.

import {
  argMax,
  gather,
  gatherElements,
  type HostTensor,
  type HostTensors,
  input,
  int32,
  logSoftmax,
  reshape,
  type Tensor,
} from '@errata/graph';
import type { KeysValues } from '../architectures/blocks/attention.ts';
import { buildDecoder, type Site, type Tap } from '../architectures/decoder.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import type { ActivationReading, PromptInputs } from '../deltas/reading.ts';
import type { PromptRows } from './batches.ts';
import type { BoundProgram, WeightSource } from './program-cache.ts';

/** The forward program of one version. For the use of score and generate. */
export interface Forward {
  readonly spec: Pick<DecoderSpec, 'layers' | 'kvHeads' | 'headDim' | 'vocab' | 'context'>;
  /**
   * @param feeds of {@link forwardGraph}, without weights and memories
   * @param prompts rows of the prompts that lie in this run, each as a whole: where memories act
   */
  readonly run: (feeds: HostTensors, prompts: readonly PromptRows[]) => Promise<Readonly<Record<string, HostTensor>>>;
}

const promptInputs = (): PromptInputs => ({
  last: input('prompt_ends', 'int32', ['C']),
  before: input('prompt_rows', 'int32', ['D']),
  of: input('prompt_of_row', 'int32', ['D']),
});

/** Feeds of {@link promptInputs}; a graph may take some of them only. */
export function promptFeeds(prompts: readonly PromptRows[]): Record<string, HostTensor> {
  const before = prompts.flatMap(({ first, last }, prompt) =>
    Array.from({ length: last - first }, (_, i) => ({ row: first + i, prompt })),
  );
  return {
    prompt_ends: indices(prompts.map(({ last }) => last)),
    prompt_rows: indices(before.map(({ row }) => row)),
    prompt_of_row: indices(before.map(({ prompt }) => prompt)),
  };
}

/** What a program takes of some feeds; pruned inputs must not be fed. */
export const takenBy = ({ takes }: Pick<BoundProgram, 'takes'>, feeds: HostTensors): HostTensors =>
  Object.fromEntries(Object.entries(feeds).filter(([name]) => takes(name)));

/** The taps of memories that act at activations, on the prompts of {@link promptFeeds} (no row of theirs repeated). */
function readingTaps(readings: readonly ActivationReading[]): readonly Tap[] {
  const prompts = promptInputs();
  return readings.map(({ tap }) => tap(prompts));
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
  readings: readonly ActivationReading[],
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
    ...(readings.length > 0 ? { tap: composeTaps(readingTaps(readings)) } : {}),
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
  readings: readonly ActivationReading[],
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
  const acting = readings.filter(({ layer }) => layer < to);
  const graph = buildDecoder(spec, {
    ...sharedInputs(false),
    weight,
    to,
    rows,
    tap: composeTaps([...readingTaps(acting), record]),
  });
  if (wanted.some(({ site }) => site === 'logits')) graph.logits();
  return outputs;
}

/** An int32 feed. */
export const indices = (values: readonly number[] | Int32Array): HostTensor =>
  int32([values.length], values instanceof Int32Array ? values : Int32Array.from(values));
