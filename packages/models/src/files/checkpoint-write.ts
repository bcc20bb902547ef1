// Writing a checkpoint directory that transformers can load: whole or not at all.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import type { Model } from '../running/model.ts';
import type { View } from '../running/view.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type FloatDtype, tensorBytesOf, type WritableTensor, writeSafetensors } from './safetensors.ts';
import { indexFile, shardName } from './weight-files.ts';
import { writeDirectory } from './whole-directory.ts';

/** What goes into a checkpoint directory. */
export interface CheckpointContents {
  /** Becomes config.json, its dtype replaced by that of the weights written. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, WritableTensor>;
  /** Further files by name, perhaps within a folder, copied as they are: tokenizer files, a model card. */
  readonly files?: ReadonlyMap<string, string | Uint8Array>;
}

/** How safetensors calls the element types. */
export const floatDtypes = {
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
} as const satisfies Record<string, FloatDtype>;

/** Options of {@link writeCheckpoint}. */
export interface WriteCheckpointOptions {
  /** Element type of the weights. Default float32, the only one that keeps an edited model bit for bit. */
  readonly dtype?: keyof typeof floatDtypes;
  /** Bytes that a file of weights holds at most, a single larger tensor apart: above it there are shards and their index. Default: one file. */
  readonly shardBytes?: number;
  /** Replace a directory that is not empty. Default false. */
  readonly overwrite?: boolean;
}

/**
 * Writes config.json, the weights and further files into a new directory, whole or not at all.
 * @throws ModelError checkpoint_target_not_empty, checkpoint_target_unwritable, safetensors_*; the file system's own error
 * where the disk is full, with nothing left behind
 */
export function writeCheckpoint(
  directory: string,
  contents: CheckpointContents,
  options: WriteCheckpointOptions = {},
): Promise<void> {
  return writeDirectory(directory, options, (staging) => fillCheckpoint(staging, contents, options));
}

/** Writes a checkpoint into a directory that is there and empty. @throws as {@link writeCheckpoint} */
export function fillCheckpoint(
  directory: string,
  { config, tensors, files }: CheckpointContents,
  { dtype = 'float32', shardBytes = Infinity }: WriteCheckpointOptions = {},
): void {
  writeJson(join(directory, 'config.json'), withDtype(config, dtype));
  for (const [name, data] of files ?? []) {
    if (normalize(name) !== name || isAbsolute(name) || name.startsWith('..')) throw new Error(`${name} is not inside`);
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), data, { flush: true });
  }
  const options = { dtype: floatDtypes[dtype], metadata: { format: 'pt' } };
  const shards = shardsOf(tensors, floatDtypes[dtype], shardBytes);
  if (shards.length === 1) {
    writeSafetensors(join(directory, 'model.safetensors'), tensors, options);
    return;
  }
  const weightMap: Record<string, string> = {};
  let total = 0;
  for (const [index, { names, bytes }] of shards.entries()) {
    const file = shardName(index + 1, shards.length);
    total += bytes;
    for (const name of names) weightMap[name] = file;
    writeSafetensors(join(directory, file), new Map(names.map((name) => [name, tensors.get(name)!])), options);
  }
  writeJson(join(directory, indexFile), { metadata: { total_size: total }, weight_map: weightMap });
}

const writeJson = (path: string, value: unknown): void =>
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`, { flush: true });

/** The names of tensors in order, as many together as a shard has room for; one that is larger has a shard to itself. */
function shardsOf(
  tensors: CheckpointContents['tensors'],
  dtype: FloatDtype,
  most: number,
): readonly { readonly names: readonly string[]; readonly bytes: number }[] {
  const shards: { names: string[]; bytes: number }[] = [{ names: [], bytes: 0 }];
  for (const [name, tensor] of tensors) {
    const bytes = tensorBytesOf(tensor, dtype);
    const last = shards.at(-1)!;
    if (last.names.length > 0 && last.bytes + bytes > most) shards.push({ names: [name], bytes });
    else {
      last.names.push(name);
      last.bytes += bytes;
    }
  }
  return shards;
}

/** transformers 5 writes `dtype`, earlier ones `torch_dtype`, and each reads both: keep the spelling that is there. */
function withDtype(config: Readonly<Record<string, unknown>>, dtype: string): Record<string, unknown> {
  const { dtype: _, torch_dtype: __, ...rest } = config;
  const key = 'dtype' in config ? 'dtype' : 'torch_dtype';
  return { ...rest, [key]: dtype };
}

/**
 * The contents of an opened checkpoint, with some tensors replaced: what a converted or edited model is written from. Tensors that are
 * not replaced are read when their turn to be written comes, so only one is in memory; those that are not floats pass
 * through as they are.
 * @param replaced new values by tensor name, float32, in the shape the checkpoint has; a function is asked for them when their turn comes
 */
export function checkpointContents(
  checkpoint: Checkpoint,
  replaced: ReadonlyMap<string, Float32Array | (() => Float32Array)> = new Map(),
): CheckpointContents {
  const tensors = new Map<string, WritableTensor>();
  for (const name of replaced.keys()) checkpoint.tensors.info(name);
  for (const name of checkpoint.tensors.names) {
    const { dtype, shape } = checkpoint.tensors.info(name);
    if (dtype === 'F32' || dtype === 'F16' || dtype === 'BF16') {
      tensors.set(name, { shape, data: replaced.get(name) ?? (() => checkpoint.tensors.read(name)) });
    } else {
      tensors.set(name, checkpoint.tensors.readRaw(name));
    }
  }
  const files = new Map<string, Uint8Array>();
  for (const name of checkpoint.companionFiles) files.set(name, checkpoint.readCompanion(name));
  return { config: checkpoint.config, tensors, files };
}

/** The contents of an opened checkpoint as a version of its model has them. A memory lies beside the weights and is no part of them. */
export function versionContents(checkpoint: Checkpoint, model: Model, version: View): CheckpointContents {
  const base = model.view();
  const changed = [...model.spec.parameters.keys()].filter((name) => version.weight(name) !== base.weight(name));
  return checkpointContents(checkpoint, new Map(changed.map((name) => [name, () => version.weight(name)])));
}
