// The family-neutral description of an encoder: its sizes, and the name and orientation of every tensor it reads.

import type { LearnedPositions, RelativePositions } from './blocks/positions.ts';
import {
  type AttentionRefs,
  type AttentionShape,
  attentionMatrices,
  type MlpRefs,
  mlpMatrices,
  type NormPlacement,
  type NormRef,
  type ParameterList,
  parameterList,
} from './blocks/refs.ts';

/** One block: attention, then MLP, both added to the residual stream. */
export interface EncoderBlockRefs extends AttentionRefs {
  readonly attentionNorm: NormRef;
  readonly mlpNorm: NormRef;
  readonly mlp: MlpRefs;
}

/** Sizes of a stack of blocks, and what goes into the first. */
export interface StackSpec extends AttentionShape {
  readonly layers: number;
  /** Size of the residual stream. */
  readonly width: number;
  readonly mlpWidth: number;
  readonly vocab: number;
  /** Longest sequence, in tokens. */
  readonly context: number;
  /** Whether the input of attention and MLP is normalised, or the sum of input and output. */
  readonly norm: { readonly placement: NormPlacement; readonly epsilon: number };
  readonly tokenEmbedding: string;
  /** Factor of the token embeddings, 1 where left out. */
  readonly embeddingScale?: number;
  readonly positions: LearnedPositions | RelativePositions;
  readonly embeddingNorm: NormRef | null;
  readonly finalNorm: NormRef | null;
}

/** An encoder as the file of a family describes it: every token attends to all others. */
export interface DescribedEncoder extends StackSpec {
  /** What tells the first text of a pair from the second. */
  readonly tokenTypes: { readonly table: string; readonly count: number } | null;
  readonly blocks: readonly EncoderBlockRefs[];
}

/** An encoder of a supported family. */
export interface EncoderSpec extends DescribedEncoder {
  /** The `model_type` of its config.json; data to be said and stored, nothing acts on it. */
  readonly family: string;
  /** Every tensor read, by name, with its shape as stored. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
}

/** Adds the parameters of a stack's embeddings to a list. */
export function listEmbeddings(spec: StackSpec, list: ParameterList): void {
  const { positions } = spec;
  list.table(spec.tokenEmbedding, [spec.vocab, spec.width]);
  if (positions.kind === 'learned') list.table(positions.table, [positions.rows, spec.width]);
  else list.table(positions.table, [positions.buckets, spec.heads]);
  if (spec.embeddingNorm) list.norm(spec.embeddingNorm);
}

/** Adds the parameters of an encoder to a list. */
export function listEncoder(spec: DescribedEncoder, list: ParameterList): void {
  listEmbeddings(spec, list);
  if (spec.tokenTypes) list.table(spec.tokenTypes.table, [spec.tokenTypes.count, spec.width]);
  for (const block of spec.blocks) {
    attentionMatrices(block).forEach(list.matrix);
    list.norm(block.attentionNorm);
    mlpMatrices(block.mlp).forEach(list.matrix);
    list.norm(block.mlpNorm);
  }
  if (spec.finalNorm) list.norm(spec.finalNorm);
}

/** The parameters of an encoder, by name, with their shapes. */
export function encoderParameters(spec: DescribedEncoder): ReadonlyMap<string, readonly number[]> {
  const list = parameterList(spec.width);
  listEncoder(spec, list);
  return list.shapes;
}
