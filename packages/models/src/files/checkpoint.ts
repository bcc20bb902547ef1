// Checkpoint directories in Hugging Face layout: checked before anything is trusted, read lazily, named by digest.

import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { canonicalJson } from '@errata/contracts';
import { z } from 'zod';
import { loadTokenizer, tokenizerFileNames } from '../text/load-tokenizer.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { type CheckpointTensors, makeTensors } from './checkpoint-tensors.ts';
import { findCompanions } from './companions.ts';
import { parseFileJson } from './file-json.ts';
import { fail, makeFinder, refuseOtherKinds } from './model-files.ts';
import { refuseQuantised } from './quantised.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors.ts';
import { filesOf, findWeights, refuseWhatIsThere } from './weight-files.ts';

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
  /** Names of the files that hold the weights, an index of shards among them. */
  readonly weightFiles: readonly string[];
  /** Names of the files beside weights and config that a copy of the model carries: its tokenizer's, and {@link findCompanions}. */
  readonly companionFiles: readonly string[];
  /** The contents of one of them. */
  readCompanion(name: string): Uint8Array;
  /** Releases the weight files. */
  close(): void;
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

function readConfig(path: string): CheckpointConfig {
  let json: unknown;
  try {
    json = parseFileJson(readFileSync(path, 'utf8'));
  } catch (cause) {
    return fail(
      'checkpoint_config_malformed',
      path,
      `it is not JSON that can be read (${(cause as Error).message})`,
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

/**
 * Opens a model directory: config.json, model.safetensors or its shards, and a tokenizer if there is one. Headers are
 * checked now, each tensor's values when it is read. Close it when the weights have been read.
 * @throws ModelError checkpoint_*, safetensors_*, tokenizer_malformed, tokenizer_unsupported
 */
export async function loadCheckpoint(directory: string): Promise<Checkpoint> {
  const there = statSync(directory, { throwIfNoEntry: false });
  if (!there?.isDirectory()) {
    if (there?.isFile()) refuseOtherKinds(directory);
    fail('checkpoint_not_a_directory', directory, 'it is not a directory', 'Give the folder that holds config.json');
  }
  const find = makeFinder(directory);
  const configPath = find('config.json');
  if (configPath === undefined) {
    refuseWhatIsThere(directory, find);
    return fail(
      'checkpoint_config_missing',
      directory,
      'there is no config.json',
      'Give the folder that a model was saved to',
    );
  }
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
    refuseQuantised(directory, config, tensors);
    const hashes = weights.names.map((name) => sha256File(find(name)!));
    const weightsDigest = hashes.length === 1 ? hashes[0]! : sha256Text(canonicalJson(hashes));
    const tokenizerDigest =
      tokenizerFiles.length === 0
        ? null
        : sha256Text(canonicalJson(tokenizerFiles.map((name) => [name, sha256File(find(name)!)])));
    const digest = sha256Text(canonicalJson({ config, weights: weightsDigest, tokenizer: tokenizerDigest }));
    const companionFiles = [...tokenizerFiles, ...findCompanions(directory, find, tokenizerFiles)];
    return {
      directory,
      config,
      tensors,
      tokenizer,
      digest,
      weightsDigest,
      weightFiles: filesOf(weights),
      companionFiles,
      readCompanion: (name) => readFileSync(find(name)!),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
