// n-gram entropy: whether generated text still varies. A model that was edited to death repeats itself.
import { words } from './words.ts';

/**
 * Entropy of the distribution of a text's n-grams of words, in bits; 0 of a text that has none.
 * @param n words in one n-gram, at least 1
 */
export function ngramEntropy(tokens: readonly string[], n: number): number {
  const counts = new Map<string, number>();
  for (let at = 0; at + n <= tokens.length; at++) {
    const gram = tokens.slice(at, at + n).join(' ');
    counts.set(gram, 1 + (counts.get(gram) ?? 0));
  }
  const total = Math.max(0, tokens.length - n + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / total) * Math.log2(count / total);
  return bits;
}

/**
 * Fluency of a generated text: the mean of its 2-gram entropy weighted 2/3 and its 3-gram entropy weighted 4/3, in bits,
 * over Treebank words (Zhang et al. 2018; weights and words as the code of Meng et al. 2022). Papers print it times 100:
 * 500 to 630 for text that varies, under 100 for one phrase again and again.
 */
export function textEntropy(text: string): number {
  const tokens = words(text);
  return ((2 / 3) * ngramEntropy(tokens, 2) + (4 / 3) * ngramEntropy(tokens, 3)) / 2;
}
