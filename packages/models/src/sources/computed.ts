// Weights that are worked out when they are read, in the place of stored ones or beside them.

import { ModelError } from '../errors.ts';
import type { CheckpointTensors } from '../files/checkpoint-tensors.ts';
import { refuseNonFinite } from '../files/safetensors.ts';

/** A tensor in float32, row-major, made anew each time it is read. */
export interface ComputedTensor {
  readonly shape: readonly number[];
  readonly read: () => Float32Array<ArrayBuffer>;
}

/**
 * Computed tensors as the weights of a checkpoint. What is made is checked as what is read from a file is.
 * @param where what errors call the weights
 * @param computed tensors by name
 * @param stored weights whose tensors are there too, except those that are computed
 */
export function computedTensors(
  where: string,
  computed: ReadonlyMap<string, ComputedTensor>,
  stored?: CheckpointTensors,
): CheckpointTensors {
  const names = [...new Set([...computed.keys(), ...(stored?.names ?? [])])].sort();
  const known = new Set(names);
  const missing = (name: string): never => {
    throw new ModelError('safetensors_tensor_missing', {
      where,
      what: `there is no tensor named ${JSON.stringify(name)}`,
      hint: `There are ${names.length} tensors, the first ${JSON.stringify(names.slice(0, 3))}`,
    });
  };
  const read: CheckpointTensors['read'] = (name, options = {}) => {
    const tensor = computed.get(name);
    if (tensor === undefined) return stored === undefined ? missing(name) : stored.read(name, options);
    const values = tensor.read();
    if (options.finite ?? true) refuseNonFinite(where, name, values);
    return values;
  };
  return {
    names,
    prefix: stored?.prefix ?? '',
    has: (name) => known.has(name),
    info(name) {
      const tensor = computed.get(name);
      if (tensor !== undefined) return { dtype: 'F32', shape: tensor.shape };
      return stored === undefined ? missing(name) : stored.info(name);
    },
    read,
    readRaw(name) {
      const tensor = computed.get(name);
      if (tensor === undefined) return stored === undefined ? missing(name) : stored.readRaw(name);
      return { dtype: 'F32', shape: tensor.shape, bytes: new Uint8Array(read(name, { finite: false }).buffer) };
    },
  };
}
