// What answers corrections in the model's place (SERAC, Mitchell et al. 2022): a text encoder with the heads of two scope classifiers, and a small decoder.

import { decoderSpec } from '../architectures/index.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import { type EncoderConfig, poolings, type TextSpec, textParameters } from '../knowledge/spec.ts';

/** Sizes of the heads, and the config.json of the decoder. */
export interface CounterfactualSizes {
  /** Numbers in the vector of a correction or a query. */
  readonly representation: number;
  readonly ownTokens: boolean;
  /** Of the counterfactual model; its token embeddings are the language model's own. */
  readonly decoder: EncoderConfig;
}

/** A scope classifier with a counterfactual model, described. */
export interface CounterfactualSpec extends TextSpec {
  readonly representation: number;
  readonly decoderConfig: EncoderConfig;
  readonly decoder: DecoderSpec;
}

/** Name of a parameter of the counterfactual model. */
export const decoderParameter = (name: string): string => `counterfactual/${name}`;

/** The logarithm of what squared distances are multiplied with, `[1]`. */
export const scaleName = 'scale';

/** @throws ModelError architecture_*; as `knowledgeSpec` */
export function counterfactualSpec(
  config: EncoderConfig,
  { representation: r, ownTokens, decoder: decoderConfig }: CounterfactualSizes,
  names?: Iterable<string>,
): CounterfactualSpec {
  const { encoder, parameters, map } = textParameters(config, ownTokens, names);
  const pooled = poolings.length * encoder.width;
  map('edit', pooled, r);
  map('query', pooled, r);
  parameters.set(scaleName, [1]);
  map('pair.in', pooled, r);
  map('pair.out', r, 1);
  const decoder = decoderSpec(decoderConfig);
  for (const [name, dims] of decoder.parameters)
    if (name !== decoder.tokenEmbedding) parameters.set(decoderParameter(name), dims);
  return { config, encoder, ownTokens, parameters, representation: r, decoderConfig, decoder };
}
