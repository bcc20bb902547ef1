// The weights of a loaded model, whatever its kind: all there, in the right shape, and the programs that run over them.

import { checkParameters } from '../architectures/index.ts';
import type { ContentSource } from '../deltas/contents.ts';
import type { CheckpointTensors } from '../files/checkpoint-tensors.ts';
import { checkTensors, type WeightedSpec } from '../files/missing-tensors.ts';
import { limitsFor, makeProgramCache, type ProgramCache } from './program-cache.ts';

/** Settings of a loaded model. */
export interface ModelOptions {
  /** Compiled programs kept, default 12. */
  readonly programs?: number;
  /** Whether compiled programs store copies of matrices, which is faster. Default for models of less than 128 MiB. */
  readonly storeMatrices?: boolean;
  /** Bytes of keys and values of earlier texts that are kept for prompts that begin alike, default 64 MiB or as many as answers may have. */
  readonly prefixBytes?: number;
  /** Bytes of keys and values that all that is being written may come to have, default 1 GiB. */
  readonly batchBytes?: number;
  /** Where artefacts are found that memories are read with. */
  readonly contents?: ContentSource;
}

/** The base weights of a model, and its compiled programs. */
export interface KeptWeights {
  /** @throws RangeError for a name that the model does not have */
  readonly weight: (name: string) => Float32Array;
  readonly weightBytes: number;
  readonly programs: ProgramCache;
}

/**
 * Keeps the weights of a model.
 * @param weights every parameter of the spec; not copied
 * @throws ModelError architecture_tensor_missing
 */
export function keepWeights(
  spec: WeightedSpec,
  weights: ReadonlyMap<string, Float32Array>,
  options: ModelOptions,
): KeptWeights {
  checkParameters(spec, (name) => {
    const shape = spec.parameters.get(name);
    const size = shape?.reduce((a, b) => a * b, 1);
    return weights.get(name)?.length === size ? shape : undefined;
  });
  const weight = (name: string): Float32Array => {
    const data = weights.get(name);
    if (!data) throw new RangeError(`the model has no parameter "${name}"`);
    return data;
  };
  const weightBytes = [...weights.values()].reduce((sum, data) => sum + data.byteLength, 0);
  const programs = makeProgramCache(spec, weight, limitsFor(weightBytes, options));
  return { weight, weightBytes, programs };
}

/**
 * Reads every parameter of a model as float32.
 * @throws ModelError as {@link checkTensors}, safetensors_*
 */
export function readWeights(spec: WeightedSpec, tensors: CheckpointTensors): ReadonlyMap<string, Float32Array> {
  checkTensors(spec, tensors);
  return new Map([...spec.parameters.keys()].map((name) => [name, tensors.read(name)]));
}
