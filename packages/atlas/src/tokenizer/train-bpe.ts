// Trains a byte-level BPE on word counts: deterministic, ties broken by the pair's spelling.
import { byteCharacters, splitWords, toByteCharacters } from './byte-level.ts';

export interface Bpe {
  /** Token to id: the end-of-text token, the 256 bytes, then one token a merge. */
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
}

export const endOfText = '<|endoftext|>';

/** Counts the words of texts, each text taken with a space before it, as the tokenizer will see it. */
export function countWords(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const word of splitWords(text.startsWith(' ') ? text : ` ${text}`))
      counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

/**
 * Merges the most frequent pair of tokens until the vocabulary has `size` tokens or no pair occurs twice.
 * Sennrich et al. 2016, on the byte alphabet of Radford et al. 2019.
 */
export function trainBpe(counts: ReadonlyMap<string, number>, size: number): Bpe {
  const words = [...counts].map(([word, count]) => ({ tokens: [...toByteCharacters(word)], count }));
  const merges: [string, string][] = [];
  const vocabulary = new Map<string, number>([[endOfText, 0]]);
  for (const character of byteCharacters) vocabulary.set(character, vocabulary.size);

  const pairCounts = new Map<string, number>();
  const wordsOfPair = new Map<string, Set<number>>();
  const key = (left: string, right: string) => `${left}\u0000${right}`;
  const tally = (index: number, sign: 1 | -1) => {
    const { tokens, count } = words[index]!;
    for (let i = 0; i + 1 < tokens.length; i++) {
      const pair = key(tokens[i]!, tokens[i + 1]!);
      const total = (pairCounts.get(pair) ?? 0) + sign * count;
      if (total > 0) pairCounts.set(pair, total);
      else pairCounts.delete(pair);
      if (sign === 1) {
        const members = wordsOfPair.get(pair);
        if (members) members.add(index);
        else wordsOfPair.set(pair, new Set([index]));
      }
    }
  };
  for (const index of words.keys()) tally(index, 1);

  while (vocabulary.size < size) {
    let best: string | undefined;
    let bestCount = 1;
    for (const [pair, count] of pairCounts) {
      if (count > bestCount || (count === bestCount && best !== undefined && pair < best)) {
        best = pair;
        bestCount = count;
      }
    }
    if (best === undefined) break;
    const [left, right] = best.split('\u0000') as [string, string];
    const merged = left + right;
    merges.push([left, right]);
    if (!vocabulary.has(merged)) vocabulary.set(merged, vocabulary.size);
    const members = [...(wordsOfPair.get(best) ?? [])];
    wordsOfPair.delete(best);
    for (const index of members) {
      tally(index, -1);
      const word = words[index]!;
      const tokens: string[] = [];
      for (let i = 0; i < word.tokens.length; i++) {
        if (word.tokens[i] === left && word.tokens[i + 1] === right) {
          tokens.push(merged);
          i++;
        } else tokens.push(word.tokens[i]!);
      }
      word.tokens = tokens;
      tally(index, 1);
    }
  }
  return { vocabulary, merges };
}

/** The tokenizer.json that transformers and @huggingface/tokenizers load; a space is put before the text where it has none. */
export function toTokenizerJson(bpe: Bpe): object {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      {
        id: bpe.vocabulary.get(endOfText),
        content: endOfText,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      },
    ],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(bpe.vocabulary),
      merges: bpe.merges.map((merge) => [...merge]),
    },
  };
}
