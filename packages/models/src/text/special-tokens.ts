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

/** A token as it is added; `optional` where only the class names it. */
type Addition = StatedToken & { readonly optional?: boolean };

/** The special tokens of a tokenizer by the part that they have, and all that are added, in order. */
export interface TokensSaid {
  readonly named: ReadonlyMap<SpecialName, string>;
  readonly added: readonly Addition[];
}

/** What the names of special tokens come to, over the files that give them. */
interface Names {
  /** By part; null where a file says that there is none. */
  readonly said: Partial<Readonly<Record<SpecialName, StatedToken | null | undefined>>>;
  /** Further ones without a part. */
  readonly more: readonly StatedToken[];
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
  const more = [config, map].flatMap(({ additional_special_tokens: additional, extra_special_tokens: extra }) => [
    ...(additional ?? []),
    ...(extra ?? []),
  ]);
  const names: Names = { said: { ...config, ...map }, more: more.filter((token) => token != null) };

  const listed =
    decoder === undefined ? [...addedByFile(files.addedTokens, names, own, where), ...own] : inOrder(decoder);
  const { named, specials } = specialsOf(names, kind, decoder === undefined ? own : listed);
  const listedTexts = new Set([...own, ...listed].map(({ content }) => content));
  const special = new Set(specials.map(({ content }) => content));
  return {
    named,
    added: [...listed, ...specials.filter(({ bare, content }) => !(bare && listedTexts.has(content)))].map((token) => ({
      ...token,
      special: token.special === true || special.has(token.content),
    })),
  };
}

const inOrder = (decoder: Readonly<Record<string, StatedToken | null | undefined>>): readonly StatedToken[] =>
  Object.entries(decoder)
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .flatMap(([, token]) => token ?? []);

/** The tokens of added_tokens.json, which gives ids alone, by the order of those; an id that tokenizer.json gives is its own token's. */
function addedByFile(
  file: unknown,
  { said, more }: Names,
  own: readonly AddedToken[],
  where: string,
): readonly StatedToken[] {
  const taken = new Set(own.map(({ id }) => id));
  const texts = new Set([...specialNames.map((name) => said[name]), ...more].map((token) => token?.content));
  return Object.entries(check(addedTokensSchema, file ?? {}, where))
    .filter(([, id]) => !taken.has(id))
    .toSorted(([, a], [, b]) => a - b)
    .map(([content]) => ({ content, special: texts.has(content), normalized: !texts.has(content) }));
}

/**
 * The special tokens, each once, those with a part first.
 * @param known tokens whose flags hold for a special token of the same text
 */
function specialsOf(
  { said, more }: Names,
  kind: TokenizerClass,
  known: readonly StatedToken[],
): { readonly named: ReadonlyMap<SpecialName, string>; readonly specials: readonly Addition[] } {
  const flagged = new Map(known.map((token) => [token.content, token]));
  const named = new Map<SpecialName, string>();
  const specials = new Map<string, Addition>();
  for (const name of specialNames) {
    const fallback = name in said ? undefined : kind.specials[name];
    const token: Addition | null | undefined =
      fallback === undefined ? said[name] : { content: fallback, bare: true, optional: true };
    if (!token) continue;
    named.set(name, token.content);
    const flags = token.bare ? kind.flags?.[name] : undefined;
    const full = flagged.get(token.content) ?? (flags ? { ...token, ...flags, bare: false } : token);
    if (!specials.has(token.content)) specials.set(token.content, full);
  }
  for (const token of more) if (!specials.has(token.content)) specials.set(token.content, token);
  return { named, specials: [...specials.values()] };
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
