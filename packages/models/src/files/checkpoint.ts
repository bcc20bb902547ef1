// Checkpoint directories in Hugging Face layout: checked before anything is trusted, read lazily, named by digest.

import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { canonicalJson } from '@errata/contracts';
import { otherThanFile } from '@errata/host';
import { z } from 'zod';
import { ModelError, type ModelErrorCode } from '../errors.ts';
import { loadTokenizer, tokenizerFileNames } from '../text/load-tokenizer.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { companionNames } from './companion-names.ts';
import { openSafetensors, type RawTensor, type ReadTensorOptions, type SafetensorsFile } from './safetensors.ts';
import type { TensorInfo } from './safetensors-header.ts';

const configSchema = z.looseObject({
  model_type: z.string().min(1),
  architectures: z.array(z.string()).nullish(),
  vocab_size: z.number().int().positive().nullish(),
  torch_dtype: z.string().nullish(),
  bos_token_id: z.number().int().nullish(),
  eos_token_id: z.union([z.number().int(), z.array(z.number().int())]).nullish(),
});

/** config.json: `model_type` is known to be there; each architecture reads the rest for itself. */
export type CheckpointConfig = z.infer<typeof configSchema>;

/** The weights of a checkpoint, over one file or several shards. */
export interface CheckpointTensors {
  /** All names, sorted. */
  readonly names: readonly string[];
  has(name: string): boolean;
  /** @throws ModelError safetensors_tensor_missing */
  info(name: string): Pick<TensorInfo, 'dtype' | 'shape'>;
  /** One tensor as float32, row-major. See {@link SafetensorsFile.read}. */
  read(name: string, options?: ReadTensorOptions): Float32Array<ArrayBuffer>;
  readRaw(name: string): RawTensor;
}

/** An opened model: a directory, or what was made of something else (`sources`). */
export interface Checkpoint {
  /** Where the files beside the weights are; of what is no directory itself, the one that it lies in. */
  readonly directory: string;
  readonly config: CheckpointConfig;
  readonly tensors: CheckpointTensors;
  /** Undefined where the directory has no tokenizer: such a model still scores ids. */
  readonly tokenizer: Tokenizer | undefined;
  /** sha256 (hex) over config, weights and tokenizer files: the model's identity. */
  readonly digest: string;
  /** sha256 (hex) of the weight files alone. */
  readonly weightsDigest: string;
  /** Names of the files beside weights and config that a copy of the model carries: its tokenizer's, and {@link companionNames}. */
  readonly companionFiles: readonly string[];
  /** The contents of one of them. */
  readCompanion(name: string): Uint8Array;
  /** Releases the weight files. */
  close(): void;
}

function fail(code: ModelErrorCode, where: string, what: string, hint: string, cause?: unknown): never {
  throw new ModelError(code, { where, what, hint, cause });
}

function sha256Text(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** sha256 of a file, 4 MiB at a time. */
function sha256File(path: string): string {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(4 << 20);
  const descriptor = openSync(path, 'r');
  try {
    for (let got = readSync(descriptor, chunk); got > 0; got = readSync(descriptor, chunk)) {
      hash.update(chunk.subarray(0, got));
    }
  } finally {
    closeSync(descriptor);
  }
  return hash.digest('hex');
}

/**
 * Makes the function that finds a file of the directory, refusing what is no regular file and links that lead out of it. A snapshot of the Hugging Face
 * cache is a folder of links into its sibling `blobs`, so those are allowed.
 */
export function makeFinder(directory: string): (name: string) => string | undefined {
  const root = realpathSync(directory);
  const allowed = [root];
  if (basename(dirname(root)) === 'snapshots') allowed.push(join(dirname(dirname(root)), 'blobs'));
  return (name) => {
    const path = join(root, name);
    if (!existsSync(path)) return undefined;
    const real = realpathSync(path);
    if (!allowed.some((folder) => real.startsWith(folder + sep))) {
      fail(
        'checkpoint_link_escapes',
        path,
        'the file is a link that leads out of the model directory',
        'Copy the file into the directory',
      );
    }
    const other = otherThanFile(statSync(real));
    if (other !== undefined) fail('checkpoint_not_a_file', path, `it ${other}`, 'Put the file itself there');
    return path;
  };
}

function readConfig(path: string): CheckpointConfig {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    return fail(
      'checkpoint_config_malformed',
      path,
      `it is not JSON (${(cause as Error).message})`,
      'Restore it',
      cause,
    );
  }
  const result = configSchema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  return fail(
    'checkpoint_config_malformed',
    path,
    `${issue?.path.join('.') || 'the file'}: ${issue?.message}`,
    'Use the config.json that transformers saves with the model',
  );
}

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/** Weight files by name, and for shards the file that is to hold each tensor. */
interface WeightFiles {
  readonly names: readonly string[];
  readonly promised: ReadonlyMap<string, string> | undefined;
}

function findWeights(directory: string, find: (name: string) => string | undefined): WeightFiles {
  if (find('model.safetensors')) return { names: ['model.safetensors'], promised: undefined };
  const index = find('model.safetensors.index.json');
  if (index) return readIndex(index, find);
  const pickled = readdirSync(directory).find((name) => /\.(bin|pt|pth|ckpt)$/.test(name));
  if (pickled) {
    fail(
      'checkpoint_weights_pickled',
      join(directory, pickled),
      'the weights are pickled; loading a pickle can run code, so it is not read',
      'Convert them once with transformers: model.save_pretrained(dir, safe_serialization=True)',
    );
  }
  return fail(
    'checkpoint_weights_missing',
    directory,
    'there is no model.safetensors and no model.safetensors.index.json',
    'Download the weights in safetensors form',
  );
}

function readIndex(path: string, find: (name: string) => string | undefined): WeightFiles {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    return fail(
      'checkpoint_index_malformed',
      path,
      `it is not JSON (${(cause as Error).message})`,
      'Restore it',
      cause,
    );
  }
  const result = indexSchema.safeParse(json);
  if (!result.success) {
    return fail('checkpoint_index_malformed', path, 'weight_map is not a map of tensor to file', 'Restore the file');
  }
  const promised = new Map(Object.entries(result.data.weight_map));
  const names = [...new Set(promised.values())].sort();
  for (const name of names) {
    if (basename(name) !== name || !name.endsWith('.safetensors')) {
      fail('checkpoint_index_malformed', path, `${JSON.stringify(name)} is not a file name`, 'Restore the file');
    }
    if (!find(name)) {
      fail('checkpoint_shard_missing', path, `the shard ${name} is not there`, 'Download the missing shard');
    }
  }
  if (names.length === 0) fail('checkpoint_index_malformed', path, 'it names no shard', 'Restore the file');
  return { names, promised };
}

function makeTensors(
  where: string,
  files: ReadonlyMap<string, SafetensorsFile>,
  weights: WeightFiles,
): CheckpointTensors {
  const holders = new Map<string, SafetensorsFile>();
  if (weights.promised) {
    for (const [tensor, name] of weights.promised) {
      const file = files.get(name)!;
      if (!file.tensors.has(tensor)) {
        fail('checkpoint_shard_missing', file.where, `it lacks ${JSON.stringify(tensor)}`, 'Download the shard again');
      }
      holders.set(tensor, file);
    }
  } else {
    for (const file of files.values()) for (const tensor of file.tensors.keys()) holders.set(tensor, file);
  }
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
    has: (name) => holders.has(name),
    info: (name) => holding(name).tensors.get(name)!,
    read: (name, options) => holding(name).read(name, options),
    readRaw: (name) => holding(name).readRaw(name),
  };
}

/**
 * Opens a model directory: config.json, model.safetensors or its shards, and a tokenizer if there is one. Headers are
 * checked now, each tensor's values when it is read. Close it when the weights have been read.
 * @throws ModelError checkpoint_*, safetensors_*, tokenizer_malformed, tokenizer_unsupported
 */
export async function loadCheckpoint(directory: string): Promise<Checkpoint> {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) {
    fail('checkpoint_not_a_directory', directory, 'it is not a directory', 'Give the folder that holds config.json');
  }
  const find = makeFinder(directory);
  const configPath =
    find('config.json') ??
    fail(
      'checkpoint_config_missing',
      directory,
      'there is no config.json',
      'Give the folder that a model was saved to',
    );
  const config = readConfig(configPath);
  const weights = findWeights(directory, find);
  const present = tokenizerFileNames.filter((name) => find(name) !== undefined);
  const hasNewer =
    present.includes('tokenizer.json') || (present.includes('vocab.json') && present.includes('merges.txt'));
  // Beside another tokenizer vocab.txt is not read, so it is no part of the model.
  const tokenizerFiles = hasNewer ? present.filter((name) => name !== 'vocab.txt') : present;
  const hasTokenizer = hasNewer || present.includes('vocab.txt');
  const tokenizer = hasTokenizer ? loadTokenizer(directory) : undefined;

  const files = new Map<string, SafetensorsFile>();
  const close = (): void => {
    for (const file of files.values()) file.close();
  };
  try {
    for (const name of weights.names) files.set(name, openSafetensors(find(name)!));
    const tensors = makeTensors(directory, files, weights);
    const hashes = weights.names.map((name) => sha256File(find(name)!));
    const weightsDigest = hashes.length === 1 ? hashes[0]! : sha256Text(canonicalJson(hashes));
    const tokenizerDigest =
      tokenizerFiles.length === 0
        ? null
        : sha256Text(canonicalJson(tokenizerFiles.map((name) => [name, sha256File(find(name)!)])));
    const digest = sha256Text(canonicalJson({ config, weights: weightsDigest, tokenizer: tokenizerDigest }));
    const companionFiles = [...tokenizerFiles, ...companionNames].filter((name) => find(name) !== undefined);
    const readCompanion = (name: string): Uint8Array => readFileSync(find(name)!);
    return { directory, config, tensors, tokenizer, digest, weightsDigest, companionFiles, readCompanion, close };
  } catch (error) {
    close();
    throw error;
  }
}
