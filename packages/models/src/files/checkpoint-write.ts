// Writing a checkpoint directory that transformers can load: whole or not at all.

import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, isAbsolute, join, normalize, resolve } from 'node:path';
import { ModelError } from '../errors.ts';
import type { Model, View } from '../running/view.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type WritableTensor, writeSafetensors } from './safetensors.ts';

/** What goes into a checkpoint directory. */
export interface CheckpointContents {
  /** Becomes config.json, its dtype replaced by that of the weights written. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, WritableTensor>;
  /** Further files by name, perhaps within a folder, copied as they are: tokenizer files, a model card. */
  readonly files?: ReadonlyMap<string, string | Uint8Array>;
}

/** Options of {@link writeCheckpoint}. */
export interface WriteCheckpointOptions {
  /** Element type of the weights. Default float32, the only one that keeps an edited model bit for bit. */
  readonly dtype?: 'float32' | 'float16';
  /** Replace a directory that is not empty. Default false. */
  readonly overwrite?: boolean;
}

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Writes config.json, model.safetensors and further files into a new directory. All is written beside it and synced, then
 * renamed into place: a crash leaves the old directory or the new one, never a part.
 * @throws ModelError checkpoint_target_not_empty, checkpoint_target_unwritable, safetensors_*; the file system's own error
 * where the disk is full, with nothing left behind
 */
export async function writeCheckpoint(
  directory: string,
  contents: CheckpointContents,
  options: WriteCheckpointOptions = {},
): Promise<void> {
  const target = resolve(directory);
  const occupied = existsSync(target) && (!statSync(target).isDirectory() || readdirSync(target).length > 0);
  if (occupied && !options.overwrite) {
    throw new ModelError('checkpoint_target_not_empty', {
      where: target,
      what: 'it exists and is not an empty directory',
      hint: 'Choose another, or ask for it to be overwritten',
    });
  }
  const dtype = options.dtype ?? 'float32';
  const staging = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
  try {
    mkdirSync(staging, { recursive: true });
  } catch (cause) {
    throw new ModelError('checkpoint_target_unwritable', {
      where: target,
      what: `the directory cannot be created (${(cause as Error).message})`,
      hint: 'Choose a place that may be written to',
      cause,
    });
  }
  try {
    const config = withDtype(contents.config, dtype);
    writeFileSync(join(staging, 'config.json'), `${JSON.stringify(config, null, 2)}\n`, { flush: true });
    for (const [name, data] of contents.files ?? []) {
      if (normalize(name) !== name || isAbsolute(name) || name.startsWith('..'))
        throw new Error(`${name} is not inside`);
      mkdirSync(dirname(join(staging, name)), { recursive: true });
      writeFileSync(join(staging, name), data, { flush: true });
    }
    writeSafetensors(join(staging, 'model.safetensors'), contents.tensors, {
      dtype: dtype === 'float16' ? 'F16' : 'F32',
      metadata: { format: 'pt' },
    });
    syncPath(staging);
    if (occupied) {
      const old = `${staging}.old`;
      renameSync(target, old);
      renameSync(staging, target);
      rmSync(old, { recursive: true, force: true });
    } else {
      renameSync(staging, target);
    }
    syncPath(dirname(target));
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    throw error;
  }
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
 * @param replaced new values by tensor name, float32, in the shape the checkpoint has
 */
export function checkpointContents(
  checkpoint: Checkpoint,
  replaced: ReadonlyMap<string, Float32Array> = new Map(),
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
  return checkpointContents(checkpoint, new Map(changed.map((name) => [name, version.weight(name)])));
}
