// The weight files of a model directory: one, shards with their index, or shards whose names say that they are all there.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { parseFileJson } from './file-json.ts';
import { type FindFile, fail } from './model-files.ts';

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/** Weight files by name, and where an index says it the file that is to hold each tensor. */
export interface WeightFiles {
  readonly names: readonly string[];
  readonly promised: ReadonlyMap<string, string> | undefined;
}

/** Names of all files that the weights are made of, their index among them. */
export const filesOf = ({ names, promised }: WeightFiles): readonly string[] =>
  promised === undefined ? names : [indexFile, ...names];

const oneFile = 'model.safetensors';
export const indexFile = 'model.safetensors.index.json';

/** The name of one shard of several, counted from 1. */
export const shardName = (position: number, count: number, stem = 'model'): string =>
  `${stem}-${String(position).padStart(5, '0')}-of-${String(count).padStart(5, '0')}.safetensors`;

/** What may be weights in another form, or packed. */
const otherWeights = /\.(bin|pt|pth|ckpt|gguf|safetensors|zip|tar|t?gz)$/;

/**
 * The weight files of a directory.
 * @throws ModelError checkpoint_weights_missing, checkpoint_weights_pickled, checkpoint_index_malformed, checkpoint_shard_missing, or what the weights
 * are instead, as the finder
 */
export function findWeights(directory: string, find: FindFile): WeightFiles {
  if (find(oneFile)) return { names: [oneFile], promised: undefined };
  const index = find(indexFile);
  if (index) return readIndex(index, find);
  const shards = numberedShards(directory);
  if (shards) return { names: shards, promised: undefined };
  refuseWhatIsThere(directory, find);
  const others = readdirSync(directory).filter((name) => name.endsWith('.safetensors'));
  return fail(
    'checkpoint_weights_missing',
    directory,
    `there is no ${oneFile} and no ${indexFile}${others.length === 0 ? '' : `, only ${others.slice(0, 3).join(', ')}`}`,
    others.length === 1
      ? `If ${others[0]} holds all the weights, call it ${oneFile}`
      : 'Download the weights in safetensors form',
  );
}

/**
 * Says what a directory without a model holds instead, if that is known.
 * @throws ModelError as the finder
 */
export function refuseWhatIsThere(directory: string, find: FindFile): void {
  const others = readdirSync(directory).filter((name) => otherWeights.test(name));
  for (const name of others) find(name);
  const pickled = others.find((name) => /\.(bin|pt|pth|ckpt)$/.test(name));
  if (pickled) {
    fail(
      'checkpoint_weights_pickled',
      join(directory, pickled),
      'the weights are pickled; loading a pickle can run code, so it is not read',
      'Convert them once with transformers: model.save_pretrained(dir, safe_serialization=True)',
    );
  }
}

/** Shards without an index, in order: all of one set, by their own names; undefined where there are none. */
function numberedShards(directory: string): readonly string[] | undefined {
  const shard = /^(.*)-(\d{5})-of-(\d{5})\.safetensors$/;
  const there = readdirSync(directory).filter((name) => shard.test(name));
  if (there.length === 0) return undefined;
  const [, stem, , count] = shard.exec(there[0]!)!;
  const set = Array.from({ length: Number(count) }, (_, position) => shardName(position + 1, Number(count), stem));
  const missing = set.filter((name) => !there.includes(name));
  const more = there.find((name) => !set.includes(name));
  if (missing.length > 0 || more !== undefined) {
    fail(
      'checkpoint_shard_missing',
      directory,
      missing.length > 0
        ? `of the ${Number(count)} shards ${missing.slice(0, 5).join(', ')} ${missing.length === 1 ? 'is' : 'are'} not there (${missing.length} missing), nor is ${indexFile}`
        : `${more} belongs to another set of shards than ${set[0]}, and there is no ${indexFile}`,
      missing.length > 0 ? 'Download the missing shards' : `Download ${indexFile}, or keep one set`,
    );
  }
  return set;
}

function readIndex(path: string, find: FindFile): WeightFiles {
  let json: unknown;
  try {
    json = parseFileJson(readFileSync(path, 'utf8'));
  } catch (cause) {
    return fail(
      'checkpoint_index_malformed',
      path,
      `it is not JSON that can be read (${(cause as Error).message})`,
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
