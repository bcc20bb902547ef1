// The forward graphs: what the head takes of a batch and its keys and values, or activations, with or without memories that act.

import { gather, input, mulDims, pad, type Tensor } from '@errata/graph';
import type { KeysValues } from '../architectures/blocks/attention.ts';
import { buildDecoder } from '../architectures/decoder.ts';
import type { ReadInput, Site, Tap } from '../architectures/decoder-graph.ts';
import { readInput } from '../architectures/encoder-decoder.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import type { ActivationReading, PromptInputs } from '../deltas/reading.ts';
import type { WeightSource } from './program-cache.ts';

const promptInputs = (): PromptInputs => ({
  last: input('prompt_ends', 'int32', ['C']),
  before: input('prompt_rows', 'int32', ['D']),
  of: input('prompt_of_row', 'int32', ['D']),
});

/** The taps of memories that act at activations, on the prompts of a run (no row of theirs repeated). */
function readingTaps(readings: readonly ActivationReading[]): readonly Tap[] {
  const prompts = promptInputs();
  return readings.map(({ tap }) => tap(prompts));
}

function composeTaps(taps: readonly Tap[]): Tap {
  return (site, layer, activation) => taps.reduce((x, tap) => tap(site, layer, x), activation);
}

/** What acts in a graph. */
export interface Readings {
  readonly activations: readonly ActivationReading[];
  /** Whether the embeddings of some rows are given: inputs `embedded_rows` S and `embeddings` `[S, width]`. */
  readonly embedded: boolean;
}

/** Inputs that all forward graphs share, of symbolic batch B, time T and cached positions P. */
function sharedInputs({ width }: DecoderSpec, embedded: boolean, cached: boolean) {
  return {
    batch: 'B',
    time: 'T',
    start: {
      kind: 'ids',
      ids: input('ids', 'int32', ['B*T']),
      ...(embedded && {
        given: {
          rows: input('embedded_rows', 'int32', ['S']),
          embeddings: input('embeddings', 'float32', ['S', width]),
        },
      }),
    } as const,
    positions: input('positions', 'int32', ['B*T']),
    bias: input('bias', 'float32', ['B', 1, 'T', cached ? 'P+T' : 'T']),
  };
}

/** Names of the keys and values of what an encoder has read, each layer's, in the order of the decoder's layers. */
const crossNames = ({ blocks }: DecoderSpec) =>
  blocks.map((_, layer) => ({ key: `cross_key.${layer}`, value: `cross_value.${layer}` }));

/** Reads inputs with the encoder: the keys and values that the layers over it attend to. */
export function readingGraph(spec: DecoderSpec, weight: WeightSource): Record<string, Tensor> {
  const { cross } = readInput(spec.over!, weight);
  return Object.fromEntries(
    crossNames(spec).flatMap(({ key, value }, layer) => [
      [key, cross[layer]!.key],
      [value, cross[layer]!.value],
    ]),
  );
}

/** What an encoder has read before, as inputs of a graph: the outputs of {@link readingGraph}, and the padding of what it read. */
function readBefore(spec: DecoderSpec): ReadInput {
  const read = (name: string) => input(name, 'float32', ['B', spec.kvHeads, 'S', spec.headDim]);
  return {
    cross: crossNames(spec).map(({ key, value }) => ({ key: read(key), value: read(value) })),
    bias: input('input_bias', 'float32', ['B', 1, 1, 'S']),
  };
}

/**
 * What the head takes at chosen `rows` R, `normed` `[R, width]`. Where a batch is `cached` it goes on from earlier keys and values, and its
 * own come out too: a copy of both, which a batch that is only scored does without. A `tap` acts beside memories.
 */
export function forwardGraph(
  spec: DecoderSpec,
  weight: WeightSource,
  { activations, embedded }: Readings,
  { cached, tap }: { readonly cached: boolean; readonly tap?: Tap },
): Record<string, Tensor> {
  const cache = (name: string) => input(name, 'float32', ['B', spec.kvHeads, 'P', spec.headDim]);
  const past = spec.blocks.map(
    (_, layer): KeysValues => ({ key: cache(`past_key.${layer}`), value: cache(`past_value.${layer}`) }),
  );
  const { normed, present } = buildDecoder(spec, {
    ...sharedInputs(spec, embedded, cached),
    weight,
    ...(cached && { past }),
    ...(cached && spec.over && { read: readBefore(spec), keyPositions: input('key_positions', 'int32', ['B*P+B*T']) }),
    rows: input('rows', 'int32', ['R']),
    tap: composeTaps([...readingTaps(activations), ...(tap ? [tap] : [])]),
  });
  const outputs: Record<string, Tensor> = { normed: normed! };
  if (!cached) return outputs;
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

/** Inputs of sequences of so many blocks of T tokens; the bias is that of a block to itself, which sees all of those before. */
function blockInputs(spec: DecoderSpec, embedded: boolean, blocks: number) {
  const shared = sharedInputs(spec, embedded, false);
  const time = mulDims(blocks, 'T');
  const rows = mulDims('B', time);
  const bias = Array.from({ length: blocks }, (_, before) => pad(shared.bias, 3, mulDims(before, 'T'), 0));
  return {
    ...shared,
    time,
    start: { ...shared.start, ids: input('ids', 'int32', [rows]) },
    positions: input('positions', 'int32', [rows]),
    bias,
  };
}

/**
 * Activations at chosen sites and rows (`rows` R of the B*T), computed no further than the last of them.
 * @param blocks that the sequences come in; with several, none over an encoder, T is the length of one
 */
export function captureGraph(
  spec: DecoderSpec,
  weight: WeightSource,
  wanted: readonly SiteAt[],
  { activations, embedded }: Readings,
  blocks = 1,
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
  const acting = activations.filter(({ layer }) => layer < to);
  const graph = buildDecoder(spec, {
    ...(blocks === 1 ? sharedInputs(spec, embedded, false) : blockInputs(spec, embedded, blocks)),
    weight,
    to,
    rows,
    tap: composeTaps([...readingTaps(acting), record]),
  });
  if (wanted.some(({ site }) => site === 'logits')) graph.logits();
  return outputs;
}
