// Reading the files of tokenizers: JSON and schemas, refused in one way.

import { z } from 'zod';
import { ModelError } from '../../errors.ts';
import { parseFileJson } from '../../files/file-json.ts';

/** Far above any real vocabulary (the largest have 262,144 tokens); keeps a hostile id from claiming memory. */
export const maximumVocabulary = 4_000_000;

export const tokenId = z.number().int().min(0).max(maximumVocabulary);

/** A token that a file adds or names; `bare` where by nothing but its text. */
export interface StatedToken {
  readonly content: string;
  readonly bare?: boolean | undefined;
  readonly lstrip?: boolean | undefined;
  readonly rstrip?: boolean | undefined;
  readonly single_word?: boolean | undefined;
  readonly normalized?: boolean | undefined;
  readonly special?: boolean | undefined;
}

// A flag of a kind that none has is as one not given: transformers minds it as little.
const flag = z.boolean().optional().catch(undefined);

/** A token as configurations name it: its text, or an object that also says how it is looked for. Null where there is to be none. */
export const namedToken = z
  .union([
    z.string().transform((content): StatedToken => ({ content, bare: true })),
    z
      .object({
        content: z.string(),
        lstrip: flag,
        rstrip: flag,
        single_word: flag,
        normalized: flag,
        special: flag,
      })
      .transform((token): StatedToken => token),
  ])
  .nullish();

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
    return parseFileJson(text);
  } catch (cause) {
    throw malformed(where, `the file is not JSON that can be read (${(cause as Error).message})`, cause);
  }
}

/** @throws ModelError tokenizer_malformed where the value does not fit */
export function check<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw malformed(where, `${issue?.path.join('.') || 'the file'}: ${issue?.message}`);
}
