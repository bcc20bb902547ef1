// What a knowledge encoder is made of (RECIPE, Chen et al. 2024): a text encoder, the heads for knowledge, queries and prompts, and the sentinel.

import type { EncoderSpec } from '../architectures/encoder-spec.ts';
import { encoderSpec } from '../architectures/index.ts';
import { ModelError } from '../errors.ts';

/** Sizes of a knowledge encoder. */
export interface KnowledgeSizes {
  /** Numbers in the representation of a statement or a query. */
  readonly representation: number;
  /** Continuous prompts that a statement becomes. */
  readonly promptTokens: number;
  /** Width of the language model that reads them. */
  readonly promptWidth: number;
  /** Pseudo-tokens that the sentinel is made of. */
  readonly sentinelTokens: number;
  readonly ownTokens: boolean;
}

/** What reads texts with a text encoder and more on top of it. */
export interface TextSpec {
  /** The config.json of its text encoder. */
  readonly config: EncoderConfig;
  readonly encoder: EncoderSpec;
  /** Whether the text encoder's token embeddings are the language model's own: of its width and vocabulary, not trained, not stored. */
  readonly ownTokens: boolean;
  /** Every tensor by name, with its shape. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
}

/** A knowledge encoder, described. */
export interface KnowledgeSpec extends KnowledgeSizes, TextSpec {}

export interface EncoderConfig {
  readonly model_type: string;
  readonly [field: string]: unknown;
}

/** What a pooled text is made of, in this order. */
export const poolings = ['pooler', 'mean', 'max', 'min'] as const;

/** Name of a parameter of the text encoder among those of the knowledge encoder. */
export const encoderParameter = (name: string): string => `encoder/${name}`;

/** The pseudo-tokens of the sentinel, `[sentinelTokens, width]`. */
export const sentinelTokensName = 'sentinel.tokens';

/**
 * Describes a knowledge encoder over a text encoder.
 * @param names of the text encoder's tensors, where its checkpoint is at hand
 * @throws ModelError architecture_*; architecture_config_invalid where positions are relative, which pseudo-tokens have none of
 */
export function knowledgeSpec(config: EncoderConfig, sizes: KnowledgeSizes, names?: Iterable<string>): KnowledgeSpec {
  const { representation: r, promptTokens, promptWidth, sentinelTokens, ownTokens } = sizes;
  const { encoder, parameters, map } = textParameters(config, ownTokens, names);
  const { width } = encoder;
  for (const head of ['knowledge', 'query']) {
    map(`${head}.in`, poolings.length * width, r);
    map(`${head}.residual`, r, r);
  }
  map('prompt.residual', r, r);
  map('prompt.out', r, promptTokens * promptWidth);
  parameters.set(sentinelTokensName, [sentinelTokens, width]);
  return { ...sizes, config, encoder, parameters };
}

/**
 * A text encoder with its pooler, and their tensors, to which those of what stands on top of it are added.
 * @throws ModelError as {@link knowledgeSpec}
 */
export function textParameters(config: EncoderConfig, ownTokens: boolean, names: Iterable<string> | undefined) {
  const encoder = encoderSpec(config, names);
  if (encoder.positions.kind === 'relative')
    throw new ModelError('architecture_config_invalid', {
      where: 'config.json',
      what: 'the text encoder has relative positions',
      hint: 'Take a BERT, RoBERTa or DistilBERT',
    });
  const parameters = new Map<string, readonly number[]>();
  for (const [name, dims] of encoder.parameters)
    if (!(ownTokens && name === encoder.tokenEmbedding)) parameters.set(encoderParameter(name), dims);
  const map = (name: string, inSize: number, outSize: number) => {
    parameters.set(`${name}.weight`, [outSize, inSize]);
    parameters.set(`${name}.bias`, [outSize]);
  };
  map('pooler', encoder.width, encoder.width);
  return { encoder, parameters, map };
}
