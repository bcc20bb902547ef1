// Which tokens a directory adds to its vocabulary, and which are special: its several files brought together as transformers does.

import { z } from 'zod';
import { check, namedToken, type StatedToken, tokenId } from './forms/parse.ts';
import { type SpecialName, specialNames, type TokenizerClass } from './tokenizer-classes.ts';
import type { AddedToken, TokenizerDocument } from './tokenizer-document.ts';

/** What the files beside a vocabulary say, parsed; undefined for a file that is not there. */
export interface SettingsFiles {
  /** tokenizer_config.json. */
  readonly config: unknown;
  /** special_tokens_map.json. */
  readonly specialTokensMap: unknown;
  /** added_tokens.json. */
  readonly addedTokens: unknown;
}

const namesSchema = z.looseObject({
  ...(Object.fromEntries(specialNames.map((name) => [name, namedToken])) as Record<SpecialName, typeof namedToken>),
  additional_special_tokens: z.array(namedToken).nullish().catch(undefined),
  extra_special_tokens: z
    .union([z.array(namedToken), z.record(z.string(), namedToken).transform((named) => Object.values(named))])
    .nullish()
    .catch(undefined),
  added_tokens_decoder: z.record(z.string().regex(/^\d+$/), namedToken).nullish(),
});

const addedTokensSchema = z.record(z.string().min(1), tokenId);

/** The special tokens of a tokenizer by the part that they have, and all that are added. */
export interface TokensSaid {
  readonly named: ReadonlyMap<SpecialName, string>;
  /** Tokens in the order in which they are added; `optional` are those that only the class names. */
  readonly added: readonly (StatedToken & { readonly optional?: boolean })[];
}

/**
 * What the files say of tokens. Where tokenizer_config.json has `added_tokens_decoder` it says everything; else special_tokens_map.json goes
 * before it, and added_tokens.json and `own` say what is added.
 * @param own the tokens that tokenizer.json itself adds
 * @throws ModelError tokenizer_malformed
 */
export function tokensSaid(
  files: SettingsFiles,
  kind: TokenizerClass,
  own: readonly AddedToken[],
  where: string,
): TokensSaid {
  const config = check(namesSchema, files.config ?? {}, where);
  const decoder = config.added_tokens_decoder ?? undefined;
  const map = decoder === undefined ? check(namesSchema, files.specialTokensMap ?? {}, where) : {};
  const said = { ...config, ...map };
  const more = [config, map].flatMap((file) => [
    ...(file.additional_special_tokens ?? []),
    ...(file.extra_special_tokens ?? []),
  ]);

  const additions = new Map<number, StatedToken>();
  if (decoder === undefined) {
    const texts = new Set([...specialNames.map((name) => said[name]), ...more].map((token) => token?.content));
    for (const [content, id] of Object.entries(check(addedTokensSchema, files.addedTokens ?? {}, where)))
      additions.set(id, { content, special: texts.has(content), normalized: !texts.has(content) });
    for (const token of own) additions.set(token.id, token);
  } else {
    for (const [id, token] of Object.entries(decoder)) if (token) additions.set(Number(id), token);
  }
  const known = new Map([...(decoder === undefined ? own : additions.values())].map((token) => [token.content, token]));

  const specials: (StatedToken & { readonly optional?: boolean })[] = [];
  const named = new Map<SpecialName, string>();
  for (const name of specialNames) {
    // A file that says null says that there is none.
    const stated = name in said ? said[name] : undefined;
    const fallback = name in said ? undefined : kind.specials[name];
    const token = stated ?? (fallback === undefined ? undefined : { content: fallback, bare: true, optional: true });
    if (!token) continue;
    named.set(name, token.content);
    const flags = token.bare ? kind.flags?.[name] : undefined;
    const full = known.get(token.content) ?? (flags ? { ...token, ...flags, bare: false } : token);
    if (!specials.some(({ content }) => content === token.content)) specials.push(full);
  }
  for (const token of more)
    if (token && !specials.some(({ content }) => content === token.content)) specials.push(token);

  const listed = [...additions].toSorted(([a], [b]) => a - b).map(([, token]) => token);
  const texts = new Set([...own, ...listed].map(({ content }) => content));
  const special = new Set(specials.map(({ content }) => content));
  return {
    named,
    added: [...listed, ...specials.filter(({ bare, content }) => !(bare && texts.has(content)))].map((token) => ({
      ...token,
      special: token.special === true || special.has(token.content),
    })),
  };
}

/**
 * The document with tokens added: one that is in the vocabulary keeps its id, others follow the last; what is said later of a token holds.
 * @param rows rows of the model's embedding: an optional token that would lie beyond them is left out, for no model can read it
 */
export function withAddedTokens(
  document: TokenizerDocument,
  added: TokensSaid['added'],
  rows: number,
): TokenizerDocument {
  const { vocab } = document.model;
  const idInVocabulary = makeLookup(vocab);
  const tokens = new Map(document.added_tokens.map((token) => [token.content, token]));
  let next = Array.isArray(vocab) ? vocab.length : Object.keys(vocab).length;
  for (const { id } of tokens.values()) next = Math.max(next, id + 1);
  for (const { content, lstrip, rstrip, single_word, normalized, special = false, optional } of added) {
    if (content === '') continue;
    const before = tokens.get(content);
    const known = before?.id ?? idInVocabulary(content);
    if (known === undefined && optional && next >= rows) continue;
    const looked = normalized ?? !special;
    tokens.set(content, {
      id: known ?? next++,
      content,
      lstrip: lstrip ?? false,
      rstrip: rstrip ?? false,
      single_word: single_word ?? false,
      // The library goes on looking for a token where it did before, and for a special one there alone.
      normalized: before === undefined ? looked : before.normalized !== false && (before.special === true || looked),
      special: special || before?.special === true,
    });
  }
  return { ...document, added_tokens: [...tokens.values()] };
}

/** Finds the ids of a vocabulary: a map of them, or a list whose places they are. */
function makeLookup(vocab: TokenizerDocument['model']['vocab']): (token: string) => number | undefined {
  if (!Array.isArray(vocab)) return (token) => (Object.hasOwn(vocab, token) ? vocab[token] : undefined);
  const places = new Map(vocab.map(([token], id) => [token, id]));
  return (token) => places.get(token);
}
