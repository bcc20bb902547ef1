// Where the prompt ends and the target begins, and where the subject is: decided by the tokenizer, never by a fixed space.

import { findSubject, type Join, spaceFollows } from '@errata/contracts';
import { ModelError } from '../errors.ts';
import { type TokenOffsets, tokenOffsets } from './token-offsets.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * Where a vocabulary keeps the space between two words: in front of the second word's token (GPT-2, Llama) or at the end of
 * the first word's (some small sentencepiece models). A prompt then ends without or with its space.
 */
export type SpaceConvention = 'before' | 'after';

const space = 0x20;

const conventions = new WeakMap<Tokenizer, SpaceConvention>();

/**
 * The convention of a tokenizer, found once by looking at every token: the side on which more of them carry a space.
 * Vocabularies whose space is a token of its own count as `before`, so that the target starts with it.
 */
export function spaceConvention(tokenizer: Tokenizer): SpaceConvention {
  const known = conventions.get(tokenizer);
  if (known) return known;
  let before = 0;
  let after = 0;
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    if (tokenizer.idToToken(id) === undefined) continue;
    const bytes = tokenizer.tokenBytes(id) ?? [];
    const begins = bytes[0] === space;
    const ends = bytes.at(-1) === space;
    if (begins && !ends) before++;
    else if (ends && !begins) after++;
  }
  const found = after > before ? 'after' : 'before';
  conventions.set(tokenizer, found);
  return found;
}

/** A prompt and its target as tokens. */
export interface TextLayout {
  /** {@link encodePrompt}(prompt), always: generation from the prompt starts from these very ids. */
  readonly promptIds: readonly number[];
  /** At least one token. The logits at the last position of `promptIds` predict the first. */
  readonly targetIds: readonly number[];
  /** The joined text: prompt, a space where one belongs, target. Both lists together spell it. */
  readonly text: string;
  /**
   * True when both lists together are what the tokenizer makes of `text`: always so for GPT-2 and Llama. False when it
   * would merge letters of the prompt with letters of the target; then the target was tokenised on its own.
   */
  readonly joint: boolean;
  /** Position in `promptIds` of the subject's last token, when a subject was given. */
  readonly subjectLast: number | undefined;
}

function requireText(text: string, code: 'layout_prompt_empty' | 'layout_target_empty' | 'layout_subject_empty'): void {
  if (text.trim() !== '') return;
  const part = code.split('_')[1]!;
  throw new ModelError(code, {
    where: part,
    what: `the ${part} has no text`,
    hint: `Give a ${part} with at least one character`,
  });
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}

/** The prompt without the spaces that the caller may or may not have written at its end. */
function bare(prompt: string): string {
  let end = prompt.length;
  while (prompt[end - 1] === ' ') end--;
  return prompt.slice(0, end);
}

/** How a prompt is read. */
export interface PromptOptions {
  /** Whether a space stands between the prompt and what goes on from it; by the writing where it is left out ({@link spaceFollows}). */
  readonly join?: Join | undefined;
}

/** What separates a bare prompt from its target. */
function seamAfter(bared: string, { join }: PromptOptions): '' | ' ' {
  return (join === undefined ? spaceFollows(bared) : join === 'space') ? ' ' : '';
}

/** The prompt as the model should read it alone, the space behind it included where its vocabulary keeps it there. */
function promptText(tokenizer: Tokenizer, prompt: string, options: PromptOptions): string {
  const bared = bare(prompt);
  return spaceConvention(tokenizer) === 'after' ? bared + seamAfter(bared, options) : bared;
}

const longest = new WeakMap<Tokenizer, number>();

/** UTF-8 bytes of the longest token of a vocabulary, found once by looking at every token. */
export function longestTokenBytes(tokenizer: Tokenizer): number {
  let found = longest.get(tokenizer);
  if (found !== undefined) return found;
  found = 1;
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    if (tokenizer.idToToken(id) !== undefined) found = Math.max(found, tokenizer.tokenBytes(id)?.length ?? 0);
  }
  longest.set(tokenizer, found);
  return found;
}

/**
 * Refuses a text of more bytes than `context` tokens can stand for, without making tokens of it: that takes a thousand times as long as
 * counting bytes. For tokenizers that keep every byte, as GPT-2's and Llama's do, no text is refused that would have fitted; where one drops
 * spaces or takes a run of unknown letters for one token, it is a bound of its own.
 * @throws ModelError sequence_too_long
 */
export function requireRoom(tokenizer: Tokenizer, text: string, context: number): void {
  const bytes = Buffer.byteLength(text);
  const room = context * longestTokenBytes(tokenizer);
  if (bytes <= room) return;
  throw new ModelError('sequence_too_long', {
    where: quoted(text),
    what: `the text has ${bytes} bytes; ${context} tokens, which the model reads, stand for ${room} at most`,
    hint: 'Shorten it',
  });
}

/**
 * Ids of a prompt to generate from: prefix ids (BOS) and its tokens, the trailing space as the tokenizer's convention wants
 * it, whatever the caller wrote.
 * @param options.context tokens that the model reads, where it is known: what cannot fit is refused before it is tokenised
 * ({@link requireRoom})
 * @throws ModelError layout_prompt_empty, sequence_too_long
 */
export function encodePrompt(
  tokenizer: Tokenizer,
  prompt: string,
  options: PromptOptions & { readonly context?: number } = {},
): number[] {
  requireText(prompt, 'layout_prompt_empty');
  const { context } = options;
  const text = promptText(tokenizer, prompt, options);
  if (context !== undefined) requireRoom(tokenizer, text, context);
  return [...tokenizer.prefixIds, ...tokenizer.encode(text)];
}

/**
 * Lays out prompt and target, joined by one space or none, as their writing has it or the caller says, however many were written at the
 * seam; by none where the target begins with a line break or tab. The space goes to the side where the vocabulary keeps it. Spaces at the target's
 * end are left out; all else of it is kept as it is. The two are tokenised as one text where the prompt's tokens survive that, and the
 * target on its own where they do not: a prompt must be the same tokens when an edit is made, when it is scored and when somebody
 * asks for it.
 * @param options.subject also finds the subject's last token
 * @throws ModelError layout_prompt_empty, layout_target_*, layout_subject_*, tokenizer_offsets_unavailable
 */
export function layOut(
  tokenizer: Tokenizer,
  prompt: string,
  target: string,
  options: PromptOptions & { readonly subject?: string | undefined } = {},
): TextLayout {
  requireText(target, 'layout_target_empty');
  const { join, subject } = options;
  const promptIds = encodePrompt(tokenizer, prompt, { join });
  const wanted = target.replace(/^ +| +$/g, '');
  const bared = bare(prompt);
  const asked = promptText(tokenizer, prompt, options);
  const keptBehind = asked !== bared;
  const text = asked + (keptBehind || /^\s/.test(wanted) ? '' : seamAfter(bared, options)) + wanted;
  const together = [...tokenizer.prefixIds, ...tokenizer.encode(text)];
  const kept = together.length > promptIds.length && promptIds.every((id, i) => id === together[i]);
  // Behind an unknown token one that follows at once may have been taken for a part of it.
  const sure = kept && promptIds.at(-1) !== tokenizer.unknownId;
  const targetIds = sure ? together.slice(promptIds.length) : encodeContinuation(tokenizer, text.slice(asked.length));
  const joint = sure || (kept && sameIds(together.slice(promptIds.length), targetIds));
  if (tokenizer.unknownId !== undefined && targetIds.includes(tokenizer.unknownId))
    throw unspelled(tokenizer, wanted, 'layout_target_unspellable');
  return {
    promptIds,
    targetIds,
    text,
    joint,
    subjectLast: subject === undefined ? undefined : subjectLast(tokenizer, prompt, subject, { join }),
  };
}

const sameIds = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i]);

/** Characters to put in front of a continuation: a vocabulary that merges one of them with it hardly merges all. */
const anchors = ['\n', '.', 'a', '0', '='] as const;

/**
 * Ids of text that goes on from other text: without prefix ids, and without the space that some tokenizers insert at the
 * start of a text. Found by tokenising it behind a character that does not merge with it.
 * @throws ModelError tokenizer_offsets_unavailable
 */
export function encodeContinuation(tokenizer: Tokenizer, text: string): number[] {
  for (const anchor of anchors) {
    const ids = tokenizer.encode(anchor + text);
    const { spans, byteAt } = tokenOffsets(tokenizer, anchor + text, ids);
    const seam = byteAt(anchor.length);
    const first = spans.findIndex((span) => span.end > seam);
    if (first >= 0 && spans[first]!.start === seam) return ids.slice(first);
  }
  throw new ModelError('tokenizer_offsets_unavailable', {
    where: quoted(text),
    what: 'the tokenizer merges the text with whatever stands in front of it',
    hint: 'Begin the target with a letter or digit',
  });
}

/** Index of the token that holds the last byte before a UTF-16 position. */
function tokenHolding(offsets: TokenOffsets, end: number): number {
  const byte = offsets.byteAt(end);
  return offsets.spans.findIndex((span) => span.end >= byte);
}

/** Index of the token that holds the first byte after a UTF-16 position. */
function tokenAfter(offsets: TokenOffsets, start: number): number {
  const byte = offsets.byteAt(start);
  return offsets.spans.findIndex((span) => span.end > byte);
}

/** UTF-16 index at which the subject ends in the prompt, as {@link findSubject} finds it. */
function subjectEnd(prompt: string, subject: string): number {
  requireText(subject, 'layout_subject_empty');
  const place = findSubject(prompt, subject);
  if ('end' in place) return place.end;
  const code = place.missing === 'absent' ? 'layout_subject_not_in_prompt' : 'layout_subject_inside_word';
  throw new ModelError(code, { where: quoted(prompt), what: place.what, hint: place.hint });
}

/**
 * The characters of a text that a tokenizer has no tokens for, each once; words where it knows words alone. Empty for all that spell
 * bytes. What cannot be spelled is read as one and the same unknown token, whatever it is.
 */
export function unspellable(tokenizer: Tokenizer, text: string): readonly string[] {
  const { unknownId } = tokenizer;
  const unknown = (part: string): boolean => unknownId !== undefined && tokenizer.encode(part).includes(unknownId);
  if (!unknown(text)) return [];
  const among = (parts: Iterable<string>) => [...new Set(parts)].filter((part) => part !== ' ' && unknown(part));
  const characters = among(text);
  const words = characters.length > 0 ? characters : among(text.split(/\s+/));
  return words.length > 0 ? words : [text];
}

/** Of a part of an edit that would stand for everything the tokenizer does not know. */
function unspelled(
  tokenizer: Tokenizer,
  text: string,
  code: 'layout_target_unspellable' | 'layout_subject_unspellable',
) {
  const unknown = unspellable(tokenizer, text).map((part) => JSON.stringify(part));
  return new ModelError(code, {
    where: quoted(text),
    what: `the tokenizer has no tokens for ${unknown.join(', ')}: the model can neither read nor write it`,
    hint: 'Spell it with characters that the model knows',
  });
}

/** Tokens from the one that holds a text's first character to the one that holds its last. */
export interface SubjectSpan {
  readonly first: number;
  readonly last: number;
}

/**
 * Where the subject lies in {@link encodePrompt}(prompt). Its last token is the one that holds the subject's last character, also
 * where that token goes on to hold a space or a following letter.
 * @throws ModelError layout_prompt_empty, layout_subject_*, tokenizer_offsets_unavailable
 */
export function subjectSpan(
  tokenizer: Tokenizer,
  prompt: string,
  subject: string,
  options: PromptOptions = {},
): SubjectSpan {
  requireText(prompt, 'layout_prompt_empty');
  const text = promptText(tokenizer, prompt, options);
  const end = subjectEnd(text, subject);
  const ids = tokenizer.encode(text);
  const offsets = tokenOffsets(tokenizer, text, ids);
  const first = tokenAfter(offsets, end - subject.trim().length);
  const last = tokenHolding(offsets, end);
  if (ids.slice(first, last + 1).every((id) => id === tokenizer.unknownId))
    throw unspelled(tokenizer, subject, 'layout_subject_unspellable');
  const before = tokenizer.prefixIds.length;
  return { first: before + first, last: before + last };
}

/** The last position of {@link subjectSpan}. */
export const subjectLast = (tokenizer: Tokenizer, prompt: string, subject: string, options?: PromptOptions): number =>
  subjectSpan(tokenizer, prompt, subject, options).last;

/**
 * A prompt behind a context prefix, as the ROME family samples them: prefix, full stop, space, prompt. The reference code
 * always adds the full stop; here a prefix that already ends a sentence keeps its own.
 */
export function prefixed(prefix: string, prompt: string): string {
  const trimmed = prefix.trim();
  if (trimmed === '') return prompt;
  return /[.!?]["'”’)]?$/.test(trimmed) ? `${trimmed} ${prompt}` : `${trimmed}. ${prompt}`;
}
