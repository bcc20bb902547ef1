// Where the training of a knowledge encoder begins.
import { type KnowledgeSpec, knowledgeSpec, type Model } from '@errata/models';
import { type InitialTexts, initialTexts } from '../../training/initial-texts.ts';
import type { TrainingSettings } from './request.ts';

/** A knowledge encoder before its first step. */
export type Initial = InitialTexts<KnowledgeSpec>;

/** @param encoder directory of a text encoder; undefined for one from nothing */
export async function initialEncoder(
  encoder: string | undefined,
  settings: TrainingSettings,
  model: Model,
): Promise<Initial> {
  const { representation, prompt_tokens, sentinel_tokens, encoder_layers, seed } = settings;
  const sizes = {
    representation,
    promptTokens: prompt_tokens,
    promptWidth: model.spec.width,
    sentinelTokens: sentinel_tokens,
  };
  const initial = await initialTexts(
    encoder,
    {
      encoder_layers,
      token_types: 1,
      seed,
      specOf: (config, ownTokens, names) => knowledgeSpec(config, { ...sizes, ownTokens }, names),
    },
    model,
  );
  // Texts that are alike score high from the start: what is to be learned is which likeness counts.
  if (encoder === undefined)
    for (const part of ['in.weight', 'in.bias', 'residual.weight', 'residual.bias'])
      initial.weights.set(`query.${part}`, initial.weights.get(`knowledge.${part}`)!.slice());
  return initial;
}
