// The family-neutral description of a decoder: its sizes, and the name and orientation of every tensor it reads.

import {
  type AttentionRefs,
  type AttentionShape,
  attentionMatrices,
  type CrossAttentionRefs,
  type MatrixRef,
  type MlpRefs,
  mlpMatrices,
  type NormRef,
  parameterList,
  type Rotary,
} from './blocks/refs.ts';
import type { EncoderDecoderSpec } from './encoder-decoder-spec.ts';

/**
 * One block: attention, then an MLP, both added to the residual stream. There is a norm in front of each, or behind each before
 * it is added, or both. In a parallel block the MLP takes what the block took, and the two norms may be one.
 */
export interface BlockRefs extends AttentionRefs {
  readonly parallel?: boolean;
  readonly attentionNorm?: NormRef | undefined;
  readonly attentionOutputNorm?: NormRef | undefined;
  readonly mlpNorm?: NormRef | undefined;
  readonly mlp: MlpRefs;
  readonly mlpOutputNorm?: NormRef | undefined;
  /** Attention to what an encoder has read, between the two. */
  readonly cross?: CrossAttentionRefs | undefined;
  readonly rotary?: Rotary | undefined;
  /** Positions that each attends to at most, itself among them; all before it where left out. */
  readonly window?: number | undefined;
}

/** How positions enter: a learned table added to the embeddings, the rotations of the blocks, or a table by distance. */
export type Positions =
  | { readonly kind: 'learned'; readonly table: string }
  | { readonly kind: 'rotary' }
  | { readonly kind: 'relative' };

/** A decoder of a supported family, by itself or over an encoder. */
export interface DecoderSpec extends AttentionShape {
  /** The `model_type` of its config.json; data to be said and stored, nothing acts on it. */
  readonly family: string;
  readonly layers: number;
  /** Size of the residual stream. */
  readonly width: number;
  /** Size of an MLP key, the input of W_out. */
  readonly mlpWidth: number;
  readonly vocab: number;
  /** Longest sequence, in tokens. */
  readonly context: number;
  readonly norm: { readonly kind: 'layer' | 'rms'; readonly epsilon: number };
  readonly positions: Positions;
  readonly tokenEmbedding: string;
  /** Factor of the token embeddings, 1 where left out. */
  readonly embeddingScale?: number;
  readonly blocks: readonly BlockRefs[];
  readonly finalNorm: NormRef;
  readonly head: MatrixRef;
  /** Bound of the logits, which a tanh keeps within ±it. */
  readonly logitCap?: number | undefined;
  /** Whether the head is the token embedding. */
  readonly tied: boolean;
  /**
   * The encoder-decoder whose decoder this is: its encoder reads prompts, and the layers here say what comes after them. Left out where
   * the layers do both.
   */
  readonly over?: EncoderDecoderSpec;
  /** Every tensor read, by name, with its shape as stored; those of the encoder among them. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
}

/** W_out of a layer. @throws RangeError for a layer that the model does not have */
export function valueMatrix(spec: DecoderSpec, layer: number): MatrixRef {
  const block = spec.blocks[layer];
  if (!block) throw new RangeError(`layer ${layer} is outside 0..${spec.layers - 1}`);
  return block.mlp.output;
}

/** The norms of a block in order of use, those of queries and keys last. */
export function blockNorms(block: BlockRefs): readonly NormRef[] {
  const { attentionNorm, attentionOutputNorm, mlpNorm, mlpOutputNorm, headNorms } = block;
  const all = [attentionNorm, attentionOutputNorm, mlpNorm, mlpOutputNorm, headNorms?.query, headNorms?.key];
  return all.filter((norm) => norm !== undefined);
}

type MatrixBlock = Pick<BlockRefs, keyof AttentionRefs | 'cross' | 'mlp'>;

const blockMatrices = (block: MatrixBlock): readonly MatrixRef[] => [
  ...attentionMatrices(block),
  ...(block.cross ? attentionMatrices(block.cross) : []),
  ...mlpMatrices(block.mlp),
];

/** Finds the linear map that a weight name belongs to, the head and an encoder's included; undefined for norms and tables. */
export function findMatrix(spec: DecoderSpec, weight: string): MatrixRef | undefined {
  const blocks: readonly MatrixBlock[] = [...spec.blocks, ...(spec.over?.encoder.blocks ?? [])];
  return [...blocks.flatMap(blockMatrices), spec.head].find((matrix) => matrix.weight === weight);
}

/** Lists the parameters of a decoder in order of use. */
export function listParameters(
  spec: Omit<DecoderSpec, 'family' | 'parameters'>,
): ReadonlyMap<string, readonly number[]> {
  const list = parameterList(spec.width);
  list.table(spec.tokenEmbedding, [spec.vocab, spec.width]);
  if (spec.positions.kind === 'learned') list.table(spec.positions.table, [spec.context, spec.width]);
  for (const block of spec.blocks) {
    blockNorms(block).forEach(list.norm);
    blockMatrices(block).forEach(list.matrix);
  }
  list.norm(spec.finalNorm);
  // A tied one is the embedding once more.
  list.matrix(spec.head);
  return list.shapes;
}
