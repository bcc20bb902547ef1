// The document that a tokenizer.json holds and every other form is turned into, as far as this package looks into it.

import { z } from 'zod';
import { maximumVocabulary, tokenId } from './forms/parse.ts';

const addedTokenSchema = z.looseObject({
  id: tokenId,
  content: z.string().min(1),
  special: z.boolean().optional(),
  lstrip: z.boolean().optional(),
  rstrip: z.boolean().optional(),
  single_word: z.boolean().optional(),
  normalized: z.boolean().optional(),
});

/** A token beside the vocabulary's own, looked for in a text before anything else. */
export type AddedToken = z.infer<typeof addedTokenSchema>;

const modelSchema = z.looseObject({
  type: z.string().optional(),
  vocab: z.union([z.record(z.string(), tokenId), z.array(z.tuple([z.string(), z.number()])).max(maximumVocabulary)]),
  unk_token: z.string().nullish(),
  unk_id: tokenId.nullish(),
  byte_fallback: z.boolean().nullish(),
});

const part = z.looseObject({ type: z.string() }).nullish();

/** The schema of {@link TokenizerDocument}. */
export const tokenizerDocumentSchema = z.looseObject({
  added_tokens: z.array(addedTokenSchema).default([]),
  normalizer: part,
  pre_tokenizer: part,
  post_processor: part,
  decoder: part,
  model: modelSchema,
});

/** A parsed tokenizer.json, as far as this package looks into it. */
export type TokenizerDocument = z.infer<typeof tokenizerDocumentSchema>;
