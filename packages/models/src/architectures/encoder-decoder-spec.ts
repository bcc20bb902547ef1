// The family-neutral description of an encoder and a decoder over it: sizes, and the name and orientation of every tensor read.

import {
  attentionMatrices,
  type CrossAttentionRefs,
  type MatrixRef,
  mlpMatrices,
  type NormRef,
  parameterList,
} from './blocks/refs.ts';
import {
  type DescribedEncoder,
  type EncoderBlockRefs,
  listEmbeddings,
  listEncoder,
  type StackSpec,
} from './encoder-spec.ts';

/** One block: attention to the tokens before, attention to the encoder's, then MLP, each added to the residual stream. */
export interface CrossBlockRefs extends EncoderBlockRefs {
  readonly crossNorm: NormRef;
  readonly cross: CrossAttentionRefs;
}

/** A decoder that continues what an encoder has read. */
export interface CrossDecoderSpec extends StackSpec {
  readonly blocks: readonly CrossBlockRefs[];
}

/** An encoder-decoder of a supported family. */
export interface EncoderDecoderSpec {
  /** The `model_type` of its config.json; data to be said and stored, nothing acts on it. */
  readonly family: string;
  readonly encoder: DescribedEncoder;
  readonly decoder: CrossDecoderSpec;
  readonly head: MatrixRef;
  /** Whether the head is the token embedding. */
  readonly tied: boolean;
  /** What the input of the head is multiplied by. */
  readonly headScale: number;
  /** What is added to the logits, stored `[1, vocab]`. */
  readonly logitsBias: string | null;
  /** The token that every output begins after. */
  readonly firstToken: number;
  /** Every tensor read, by name, with its shape as stored. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
}

/** The parameters of an encoder-decoder, by name, with their shapes. */
export function encoderDecoderParameters(
  spec: Omit<EncoderDecoderSpec, 'family' | 'parameters'>,
): ReadonlyMap<string, readonly number[]> {
  const { encoder, decoder } = spec;
  const list = parameterList(decoder.width);
  listEncoder(encoder, list);
  listEmbeddings(decoder, list);
  for (const block of decoder.blocks) {
    attentionMatrices(block).forEach(list.matrix);
    list.norm(block.attentionNorm);
    attentionMatrices(block.cross).forEach(list.matrix);
    list.norm(block.crossNorm);
    mlpMatrices(block.mlp).forEach(list.matrix);
    list.norm(block.mlpNorm);
  }
  if (decoder.finalNorm) list.norm(decoder.finalNorm);
  if (!spec.tied) list.matrix(spec.head);
  if (spec.logitsBias !== null) list.table(spec.logitsBias, [1, decoder.vocab]);
  return list.shapes;
}
