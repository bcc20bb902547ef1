// How a sentence encoder says it is to be used: the modules.json of sentence-transformers and the files that it names.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Pooling } from '../architectures/blocks/pooling.ts';
import { ModelError } from '../errors.ts';
import { parseFileJson } from './file-json.ts';

/** How a text becomes one vector. */
export interface EmbeddingSettings {
  readonly pooling: Pooling;
  /** Whether vectors have length 1, so that their product is the cosine. */
  readonly normalise: boolean;
  /** Tokens of a text that are read, what the tokenizer puts around it included; the rest is cut off its end. */
  readonly longest: number;
}

const modulesSchema = z.array(z.looseObject({ type: z.string(), path: z.string() }));

const poolingSchema = z.looseObject({
  pooling_mode_cls_token: z.boolean().default(false),
  pooling_mode_mean_tokens: z.boolean().default(false),
});

const transformerSchema = z.looseObject({ max_seq_length: z.number().int().positive().nullish() });

function refuse(where: string, what: string, cause?: unknown): never {
  throw new ModelError('architecture_config_invalid', {
    where,
    what,
    hint: 'Implemented are a Transformer, a Pooling of the mean or of the first token, and Normalize',
    cause,
  });
}

function read<T>(path: string, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = parseFileJson(readFileSync(path, 'utf8'));
  } catch (cause) {
    return refuse(path, `it cannot be read (${(cause as Error).message})`, cause);
  }
  const result = schema.safeParse(json);
  return result.success ? result.data : refuse(path, `${result.error.issues[0]?.message}`);
}

/**
 * The settings that a model directory asks for; none where it has no modules.json.
 * @throws ModelError architecture_config_invalid where it asks for more than is implemented
 */
export function readEmbeddingSettings(directory: string): Partial<EmbeddingSettings> {
  const path = join(directory, 'modules.json');
  if (!existsSync(path)) return {};
  const modules = read(path, modulesSchema).map(({ type, path: at }) => ({ name: type.split('.').at(-1), at }));
  const unknown = modules.find(({ name }) => name !== 'Transformer' && name !== 'Pooling' && name !== 'Normalize');
  if (unknown) refuse(path, `it asks for ${unknown.name}`);
  const limits = join(directory, 'sentence_bert_config.json');
  const longest = existsSync(limits) ? read(limits, transformerSchema).max_seq_length : undefined;
  const pooling = modules.find(({ name }) => name === 'Pooling');
  return {
    ...(pooling ? { pooling: poolingIn(join(directory, pooling.at, 'config.json')) } : {}),
    normalise: modules.some(({ name }) => name === 'Normalize'),
    ...(longest ? { longest } : {}),
  };
}

function poolingIn(path: string): Pooling {
  const { pooling_mode_cls_token: first, pooling_mode_mean_tokens: mean } = read(path, poolingSchema);
  if (first === mean) refuse(path, 'it pools neither the mean nor the first token, or both');
  return first ? 'cls' : 'mean';
}
