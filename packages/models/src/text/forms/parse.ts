// Reading the files of tokenizers: JSON and schemas, refused in one way.

import { z } from 'zod';
import { ModelError } from '../../errors.ts';

/** Far above any real vocabulary (the largest have 262,144 tokens); keeps a hostile id from claiming memory. */
export const maximumVocabulary = 4_000_000;

export const tokenId = z.number().int().min(0).max(maximumVocabulary);

/** A special token as configurations name it: its text, or an object that holds it. */
export const namedToken = z
  .union([z.string(), z.looseObject({ content: z.string() })])
  .nullish()
  .transform((token) => (typeof token === 'object' ? (token?.content ?? undefined) : token));

/** The error for a tokenizer file that is not what it should be. */
export function malformed(where: string, what: string, cause?: unknown): ModelError {
  return new ModelError('tokenizer_malformed', {
    where,
    what,
    hint: 'Export the tokenizer again with transformers (save_pretrained)',
    cause,
  });
}

/** @throws ModelError tokenizer_malformed */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed(where, `the file is not valid JSON (${(cause as Error).message})`, cause);
  }
}

/** @throws ModelError tokenizer_malformed where the value does not fit */
export function check<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw malformed(where, `${issue?.path.join('.') || 'the file'}: ${issue?.message}`);
}
