// The text of an answer as its tokens come: whole characters only, and nothing of a stop sequence.
import type { Tokenizer, TokenLogProbs } from '@errata/models';
import type { CompletionPiece, PlacedToken } from '../calls/index.ts';
import { placeToken } from './spelled-tokens.ts';

/** One answer that is being written. */
export interface AnswerText {
  /** Takes the next token; true where a stop sequence has appeared, which ends the answer before it. */
  take(id: number, found: TokenLogProbs | undefined): boolean;
  /** What is sure to be part of the answer and has not been given before; null where there is nothing. */
  sure(): CompletionPiece | null;
  /** All that has not been given; nothing follows. */
  rest(): CompletionPiece;
}

/**
 * @param stops end the answer where they appear, also across tokens
 * @param offset UTF-16 units of text in front of the answer
 */
export function answerText(tokenizer: Tokenizer, stops: readonly string[], offset = 0): AnswerText {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let text = '';
  let given = 0;
  let stoppedAt: number | undefined;
  let waiting: PlacedToken[] = [];
  let probable = false;

  const write = (fresh: string) => {
    text += fresh.replaceAll('\0', '\ufffd');
  };

  /** What has not been given, up to a place, with the tokens that begin before it. */
  const give = (end: number, last: boolean): CompletionPiece => {
    const piece = text.slice(given, end);
    given = end;
    if (!probable) return { text: piece };
    const due = (token: PlacedToken) => token.offset < offset + end || (last && stoppedAt === undefined);
    const tokens = waiting.filter(due);
    waiting = waiting.filter((token) => !due(token));
    return { text: piece, tokens };
  };

  return {
    take(id, found) {
      const before = text.length;
      write(decoder.decode(tokenizer.continuationBytes(id), { stream: true }));
      if (found !== undefined) {
        probable = true;
        waiting.push(placeToken(tokenizer, id, offset + before, found));
      }
      stoppedAt = firstStop(text, stops, before);
      return stoppedAt !== undefined;
    },
    sure() {
      const piece = give(stoppedAt ?? text.length - mayBelongToStop(text, stops), false);
      return piece.text === '' && (piece.tokens ?? []).length === 0 ? null : piece;
    },
    rest() {
      if (stoppedAt === undefined) write(decoder.decode());
      return give(stoppedAt ?? text.length, true);
    },
  };
}

/** Where the first of the stop sequences begins that ends behind `seen`. */
function firstStop(text: string, stops: readonly string[], seen: number): number | undefined {
  const places = stops
    .map((stop) => text.indexOf(stop, Math.max(0, seen - stop.length + 1)))
    .filter((place) => place >= 0);
  return places.length === 0 ? undefined : Math.min(...places);
}

/** Units at the end of a text that a stop sequence may begin with. */
function mayBelongToStop(text: string, stops: readonly string[]): number {
  const longest = Math.max(0, ...stops.map((stop) => stop.length - 1));
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const end = text.slice(text.length - length);
    if (stops.some((stop) => stop.startsWith(end))) return length;
  }
  return 0;
}
