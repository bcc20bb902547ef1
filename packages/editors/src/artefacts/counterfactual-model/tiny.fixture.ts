// A counterfactual model of random numbers for tests, and the settings of a small one.
import { encodeCounterfactual, type Model } from '@errata/models';
import { initialCounterfactual } from './initial.ts';
import { type CounterfactualModelFields, trainingSettings } from './request.ts';

export const tinyFields: CounterfactualModelFields = {
  batch_size: 4,
  representation: 16,
  encoder_layers: 1,
  decoder_layers: 1,
  decoder_mlp: 16,
  template: '{prompt}{target} ',
  seed: 7,
};

/** As it is before it is trained. */
export async function randomCounterfactual(model: Model, seed = 7): Promise<Uint8Array> {
  const settings = trainingSettings(model.spec.width, { ...tinyFields, seed });
  const initial = await initialCounterfactual(undefined, settings, model);
  return encodeCounterfactual({ ...initial, model: model.digest!, template: settings.template, details: {} });
}
