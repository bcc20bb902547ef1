// Whether a checkpoint has every tensor of its architecture; where not, why that probably is.

import { checkParameters } from '../architectures/index.ts';
import { type CheckpointTensors, wrappers } from './checkpoint-tensors.ts';
import { fail } from './model-files.ts';

/** What of a model says which weights it has. */
export interface WeightedSpec {
  readonly family: string;
  readonly parameters: ReadonlyMap<string, readonly number[]>;
}

const head = /^(lm_head|embed_out|head)\.weight$/;

/**
 * Checks that every parameter is there in its shape.
 * @throws ModelError checkpoint_wrapped, checkpoint_head_missing, architecture_tensor_missing, architecture_tensor_shape
 */
export function checkTensors(spec: WeightedSpec, tensors: CheckpointTensors): void {
  const missing = [...spec.parameters.keys()].filter((name) => !tensors.has(name));
  for (const name of missing) {
    const wrapped = tensors.names.find((other) => unwrapped(other) === name);
    if (wrapped !== undefined) {
      fail(
        'checkpoint_wrapped',
        JSON.stringify(wrapped),
        `this tensor stands where ${JSON.stringify(name)} should`,
        'Save the model itself, without what was put around it for training; merge adapters first (merge_and_unload)',
      );
    }
  }
  if (missing.length === 1 && head.test(missing[0]!)) {
    fail(
      'checkpoint_head_missing',
      missing[0]!,
      'config.json says that the head is no copy of the embedding, and it is not stored',
      'If it is the embedding, set "tie_word_embeddings": true in config.json; else download all the weights',
    );
  }
  checkParameters(spec, (name) => (tensors.has(name) ? tensors.info(name).shape : undefined));
}

/** A name without what training put around the model, or an adapter around a matrix. */
const unwrapped = (name: string): string => {
  const wrapper = wrappers.find((prefix) => name.startsWith(prefix));
  return wrapper === undefined ? name.replace('.base_layer.', '.') : unwrapped(name.slice(wrapper.length));
};
