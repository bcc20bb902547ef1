// A knowledge encoder of random numbers for tests, and the settings of a small one.
import { encodeKnowledgeEncoder, type Model } from '@errata/models';
import { initialEncoder } from './initial.ts';
import { type KnowledgeEncoderFields, trainingSettings } from './request.ts';

export const tinyFields: KnowledgeEncoderFields = {
  batch_size: 4,
  edit_batch_size: 3,
  representation: 16,
  encoder_layers: 1,
  sentinel_tokens: 3,
  seed: 7,
};

/** As it is before it is trained. */
export async function randomKnowledgeEncoder(model: Model, promptTokens = 3, seed = 7): Promise<Uint8Array> {
  const settings = trainingSettings(promptTokens, { ...tinyFields, seed });
  const initial = await initialEncoder(undefined, settings, model);
  return encodeKnowledgeEncoder({ ...initial, model: model.digest!, details: {} });
}
