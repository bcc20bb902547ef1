// A word tokenizer for tests: byte-pair merges that spell whole words, with and without the space before them.
import { type Tokenizer, tokenizerFromVocabAndMerges } from '@errata/models';

const words = (
  'The Therefore Because I You is a in of . , red blue green old Paris Rome Oslo Kyoto Lima Anna Boris Clara Dmitri Elena ' +
  'lives was born plays speaks piano cello drums French Polish the city language home works at and so while nobody knows'
).split(' ');

/** Every printable ASCII letter stands alone, and every word above is one token. */
export function tinyTokenizer(): Tokenizer {
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,Ġ'.split('');
  const vocabulary = [...letters, 'Ċ'];
  const merges = new Set<string>();
  for (const word of [...words.map((word) => `Ġ${word}`), ...words]) {
    for (let end = 2; end <= word.length; end++) {
      merges.add(`${word.slice(0, end - 1)} ${word[end - 1]}`);
      if (!vocabulary.includes(word.slice(0, end))) vocabulary.push(word.slice(0, end));
    }
  }
  const ids = Object.fromEntries(vocabulary.map((token, id) => [token, id]));
  return tokenizerFromVocabAndMerges(JSON.stringify(ids), [...merges].join('\n'));
}
