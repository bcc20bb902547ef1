// The tensors of a checkpoint by their names, over one file or several.

import { fail } from './model-files.ts';
import type { RawTensor, ReadTensorOptions, SafetensorsFile } from './safetensors.ts';
import type { TensorInfo } from './safetensors-header.ts';
import type { WeightFiles } from './weight-files.ts';

/** The weights of a checkpoint, over one file or several shards. */
export interface CheckpointTensors {
  /** All names, sorted. */
  readonly names: readonly string[];
  /** What stands before every name in the files, and is left out here: what training put around the model. */
  readonly prefix: string;
  has(name: string): boolean;
  /** @throws ModelError safetensors_tensor_missing */
  info(name: string): Pick<TensorInfo, 'dtype' | 'shape'>;
  /** One tensor as float32, row-major. See {@link SafetensorsFile.read}. */
  read(name: string, options?: ReadTensorOptions): Float32Array<ArrayBuffer>;
  readRaw(name: string): RawTensor;
}

/** What wraps a whole model while it is trained, as the names of its tensors show: torch.compile, data parallelism, peft. */
export const wrappers = ['_orig_mod.', 'module.', 'base_model.model.'];

/** What adapters put beside a matrix, so that what is left is not the model. */
const adapted = /\blora_|\.base_layer\./;

/** The wrappers that stand before every name, one within another. */
function sharedPrefix(names: readonly string[]): string {
  if (names.length === 0 || names.some((name) => adapted.test(name))) return '';
  let prefix = '';
  for (;;) {
    const next = wrappers.find((wrapper) => names.every((name) => name.startsWith(prefix + wrapper)));
    if (next === undefined) return prefix;
    prefix += next;
  }
}

/**
 * The tensors of opened weight files. Where all of them are wrapped, their names are those of the model within; transformers reads none of those.
 * @throws ModelError checkpoint_shard_missing where a file lacks what its index promises, or two hold one tensor
 */
export function makeTensors(
  where: string,
  files: ReadonlyMap<string, SafetensorsFile>,
  weights: WeightFiles,
): CheckpointTensors {
  const stored = new Map<string, SafetensorsFile>();
  for (const [tensor, name] of weights.promised ?? []) {
    const file = files.get(name)!;
    if (!file.tensors.has(tensor)) {
      fail('checkpoint_shard_missing', file.where, `it lacks ${JSON.stringify(tensor)}`, 'Download the shard again');
    }
    stored.set(tensor, file);
  }
  for (const file of weights.promised ? [] : files.values()) {
    for (const tensor of file.tensors.keys()) {
      const twice = `it holds ${JSON.stringify(tensor)}, and so does another shard`;
      if (stored.has(tensor))
        fail('checkpoint_shard_missing', file.where, twice, 'Download the shards and their index again');
      stored.set(tensor, file);
    }
  }
  const prefix = sharedPrefix([...stored.keys()]);
  const holders = new Map([...stored].map(([name, file]) => [name.slice(prefix.length), file]));
  const names = [...holders.keys()].sort();
  const holding = (name: string): SafetensorsFile =>
    holders.get(name) ??
    fail(
      'safetensors_tensor_missing',
      where,
      `there is no tensor named ${JSON.stringify(name)}`,
      `The checkpoint has ${names.length} tensors, the first ${JSON.stringify(names.slice(0, 3))}`,
    );
  return {
    names,
    prefix,
    has: (name) => holders.has(name),
    info: (name) => holding(name).tensors.get(prefix + name)!,
    read: (name, options) => holding(name).read(prefix + name, options),
    readRaw: (name) => holding(name).readRaw(prefix + name),
  };
}
