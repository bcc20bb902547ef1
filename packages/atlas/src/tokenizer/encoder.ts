// A fast encoder for training: the tokenizer's own merges, with every word's ids remembered.
import { splitWords, toByteCharacters } from './byte-level.ts';
import { type Bpe, endOfText } from './train-bpe.ts';

export interface Encoder {
  readonly endOfTextId: number;
  /** Ids of a piece of text that begins where a word begins. No space is added. */
  encode(piece: string): readonly number[];
}

export function makeEncoder(bpe: Bpe): Encoder {
  const ranks = new Map(bpe.merges.map(([left, right], rank) => [`${left}\u0000${right}`, rank]));
  const known = new Map<string, readonly number[]>();
  const encodeWord = (word: string): readonly number[] => {
    const found = known.get(word);
    if (found) return found;
    const tokens = [...toByteCharacters(word)];
    for (;;) {
      let best = Number.POSITIVE_INFINITY;
      let at = -1;
      for (let i = 0; i + 1 < tokens.length; i++) {
        const rank = ranks.get(`${tokens[i]}\u0000${tokens[i + 1]}`);
        if (rank !== undefined && rank < best) {
          best = rank;
          at = i;
        }
      }
      if (at < 0) break;
      tokens.splice(at, 2, tokens[at]! + tokens[at + 1]!);
    }
    const ids = tokens.map((token) => bpe.vocabulary.get(token)!);
    known.set(word, ids);
    return ids;
  };
  return {
    endOfTextId: bpe.vocabulary.get(endOfText)!,
    encode: (piece) => splitWords(piece).flatMap((word) => encodeWord(word)),
  };
}
