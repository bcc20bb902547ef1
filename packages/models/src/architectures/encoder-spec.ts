// The family-neutral description of an encoder: its sizes, and the name and orientation of every tensor it reads.

import {
  type AttentionRefs,
  type AttentionShape,
  attentionMatrices,
  type MlpRefs,
  mlpMatrices,
  type NormRef,
  type ParameterList,
  parameterList,
} from './blocks/refs.ts';
import type { RelativePositions } from './blocks/relative.ts';

/** One block: attention, then MLP, both added to the residual stream. */
export interface EncoderBlockRefs extends AttentionRefs {
  readonly attentionNorm: NormRef;
  readonly mlpNorm: NormRef;
  readonly mlp: MlpRefs;
}

/** A learned table of positions, added to the token embeddings. */
export interface LearnedPositions {
  readonly kind: 'learned';
  readonly table: string;
  /** Rows of the table. */
  readonly rows: number;
  /** The row of a text's first token. */
  readonly first: number;
  /** A token whose row is its own id and which the positions skip, wherever it stands: RoBERTa's padding. */
  readonly skipped: number | null;
}

/** An encoder of a supported family: every token attends to all others. */
export interface EncoderSpec extends AttentionShape {
  /** The `model_type` of its config.json; data to be said and stored, nothing acts on it. */
  readonly family: string;
  readonly layers: number;
  /** Size of the residual stream. */
  readonly width: number;
  readonly mlpWidth: number;
  readonly vocab: number;
  /** Longest sequence, in tokens. */
  readonly context: number;
  /** Whether the input of attention and MLP is normalised, or the sum of input and output. */
  readonly norm: { readonly placement: 'before' | 'after'; readonly epsilon: number };
  readonly tokenEmbedding: string;
  readonly positions: LearnedPositions | RelativePositions;
  /** What tells the first text of a pair from the second. */
  readonly tokenTypes: { readonly table: string; readonly count: number } | null;
  readonly embeddingNorm: NormRef | null;
  readonly blocks: readonly EncoderBlockRefs[];
  readonly finalNorm: NormRef | null;
  /** Every tensor read, by name, with its shape as stored. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
}

/** An encoder as the file of a family describes it. */
export type DescribedEncoder = Omit<EncoderSpec, 'family' | 'parameters'>;

/** Adds the parameters of an encoder to a list, in order of use. */
export function listEncoder(spec: DescribedEncoder, list: ParameterList): void {
  const { positions, tokenTypes } = spec;
  list.table(spec.tokenEmbedding, [spec.vocab, spec.width]);
  if (positions.kind === 'learned') list.table(positions.table, [positions.rows, spec.width]);
  else list.table(positions.table, [positions.buckets, spec.heads]);
  if (tokenTypes) list.table(tokenTypes.table, [tokenTypes.count, spec.width]);
  if (spec.embeddingNorm) list.norm(spec.embeddingNorm);
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
