// tokenizer.json: it is the document.

import { type TokenizerDocument, tokenizerDocumentSchema } from '../tokenizer-document.ts';
import { check } from './parse.ts';

/**
 * The document in a parsed tokenizer.json.
 * @throws ModelError tokenizer_malformed
 */
export const documentFromJson = (json: unknown, where: string): TokenizerDocument =>
  check(tokenizerDocumentSchema, json, where);
