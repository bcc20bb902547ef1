// Where each token lies in its text: the tokenizer library gives no offsets, so they are worked out from the bytes.

import { ModelError } from '../errors.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Half-open byte range of a token in the UTF-8 text. An inserted space mark of its own has an empty range. */
export interface TokenSpan {
  readonly start: number;
  readonly end: number;
}

const space = 0x20;

const isSpace = (byte: number | undefined): boolean =>
  byte === space || (byte !== undefined && byte >= 9 && byte <= 13);

/** The end of the white space that begins there. */
function behindSpace(text: Uint8Array, at: number): number {
  let end = at;
  while (isSpace(text[end])) end++;
  return end;
}

function matchesAt(text: Uint8Array, at: number, piece: Uint8Array): boolean {
  if (at + piece.length > text.length) return false;
  for (let i = 0; i < piece.length; i++) {
    if (text[at + i] !== piece[i]) return false;
  }
  return true;
}

/**
 * Aligns tokens with bytes. Three things keep it from being mere addition: tokenizers insert a space at the start (and after
 * added tokens), added tokens may take the white space beside them, and the unknown token stands for one or more characters that
 * it does not show. So the reachable ends after each token are followed, and the path to the end of the text is taken.
 */
function align(text: Uint8Array, tokenizer: Tokenizer, ids: readonly number[]): TokenSpan[] | undefined {
  const added = new Map(tokenizer.addedTokens);
  if (tokenizer.unknownId !== undefined) added.delete(tokenizer.unknownId);
  // For each token, the reachable ends, each with the start that led there first.
  const steps: Map<number, number>[] = [];
  let reachable = new Set([0]);
  for (const [index, id] of ids.entries()) {
    const bytes = tokenizer.tokenBytes(id);
    const mayInsertSpace = index === 0 || added.has(ids[index - 1]!);
    const takes = added.get(id);
    const step = new Map<number, number>();
    let firstEntered = text.length + 1;
    for (const start of reachable) {
      if (!bytes) {
        // Every later end is reachable from here; those beyond the first start tried have been entered already.
        for (let end = start + 1; end < firstEntered; end++) {
          const atCharacterStart = end === text.length || (text[end]! & 0xc0) !== 0x80;
          if (atCharacterStart) step.set(end, start);
        }
        firstEntered = Math.min(firstEntered, start + 1);
        continue;
      }
      const from = takes?.before ? behindSpace(text, start) : start;
      if (matchesAt(text, from, bytes)) {
        const end = takes?.behind ? behindSpace(text, from + bytes.length) : from + bytes.length;
        if (!step.has(end)) step.set(end, start);
      }
      if (mayInsertSpace && bytes[0] === space) {
        const rest = bytes.subarray(1);
        if (matchesAt(text, start, rest) && !step.has(start + rest.length)) step.set(start + rest.length, start);
      }
    }
    if (step.size === 0) return undefined;
    steps.push(step);
    reachable = new Set(step.keys());
  }
  if (!reachable.has(text.length)) return undefined;
  const spans: TokenSpan[] = [];
  let end = text.length;
  for (const step of steps.reverse()) {
    const start = step.get(end)!;
    spans.push({ start, end });
    end = start;
  }
  return spans.reverse();
}

/** Rewritings of the text that normalizers do; the first under which tokens and text agree is used. */
const rewritings: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.normalize('NFC'),
  (text) => text.normalize('NFKC'),
  // One by one, as the normalizers do it: a whole text would have other sigmas at the ends of words.
  (text) => Array.from(text, (character) => character.toLowerCase()).join(''),
  // Sentencepiece cannot tell its own space mark in a text from a space.
  (text) => text.replaceAll('\u2581', ' '),
];

/** Spans of tokens, with the map from positions in the text (UTF-16) to the bytes that the spans count. */
export interface TokenOffsets {
  /** One span a token, in order, covering the text without gaps. */
  readonly spans: readonly TokenSpan[];
  /** Byte position of a UTF-16 index of the text. */
  byteAt(index: number): number;
}

/**
 * Spans of the tokens of a text, in UTF-8 bytes.
 * @param ids `tokenizer.encode(text)`, without prefix or suffix ids
 * @throws ModelError tokenizer_offsets_unavailable where the tokenizer changes the text in a way that cannot be followed
 */
export function tokenOffsets(tokenizer: Tokenizer, text: string, ids: readonly number[]): TokenOffsets {
  for (const rewrite of rewritings) {
    const spans = align(Buffer.from(rewrite(text)), tokenizer, ids);
    if (spans) return { spans, byteAt: (index) => Buffer.byteLength(rewrite(text.slice(0, index))) };
  }
  throw new ModelError('tokenizer_offsets_unavailable', {
    where: JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text),
    what: 'the tokens do not spell the text, so the position of a part of it is unknown',
    hint: 'Write the text in plain composed form, with single spaces and no control characters',
  });
}
