// Where @huggingface/tokenizers reads a tokenizer.json otherwise than the reference library does, put right from outside.
import type { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';

interface PreTokenizer {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Every numeral is a digit to the reference, of whatever script and kind; to the library only 0 to 9 are. */
export function mendedPreTokenizer(part: PreTokenizer): PreTokenizer {
  if (part.type === 'Sequence' && Array.isArray(part.pretokenizers))
    return { ...part, pretokenizers: part.pretokenizers.map(mendedPreTokenizer) };
  if (part.type !== 'Digits') return part;
  const Regex = part.individual_digits === true ? '\\p{N}' : '\\p{N}+';
  return { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false };
}

interface Normalizer {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Chinese characters beyond the first 65,536 code points, as the reference counts them. */
const distantChinese = '[\\u{20000}-\\u{2a6df}\\u{2a700}-\\u{2b81f}\\u{2b920}-\\u{2ceaf}\\u{2f800}-\\u{2fa1f}]';

/**
 * The reference puts BERT's spaces around every Chinese character, the library around those of one unit. The reference makes small
 * letters one by one, so that a sigma is the same wherever it stands; to the library one that ends a word is another.
 */
export function mendedNormalizer(part: Normalizer): Normalizer {
  if (part.type === 'Sequence' && Array.isArray(part.normalizers))
    return { ...part, normalizers: part.normalizers.map(mendedNormalizer) };
  const bert = part.type === 'BertNormalizer';
  const before: Normalizer[] = [];
  if (bert && part.handle_chinese_chars === true)
    before.push({ type: 'Replace', pattern: { Regex: distantChinese }, content: ' $& ' });
  if (part.type === 'Lowercase' || (bert && part.lowercase === true))
    before.push({ type: 'Replace', pattern: { String: '\u03a3' }, content: '\u03c3' });
  return before.length === 0 ? part : { type: 'Sequence', normalizers: [...before, part] };
}

export interface AddedToken {
  readonly content: string;
  readonly single_word?: boolean | undefined;
  readonly normalized?: boolean | undefined;
}

/** What the library looks for added tokens with: one splitter before the text is normalised, and one after. */
interface Inside {
  readonly normalizer: ((text: string) => string) | null;
  splitter_unnormalized: Splitter;
  splitter_normalized: Splitter;
}

interface Splitter {
  /** Cuts a text into the tokens that are in it and what is between them. */
  split(text: string): string[];
}

// What a regular expression of the reference calls a character of words. Of each text the two units beside a token are looked at.
const word = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';
const endsInWord = new RegExp(`${word}$`, 'u');
const startsWithWord = new RegExp(`^${word}`, 'u');

/** An added token that is a single word is none where a word goes on before or behind it. The library finds it everywhere. */
export function mendSingleWords(tokenizer: HuggingFaceTokenizer, added: readonly AddedToken[]): void {
  if (!added.some((token) => token.single_word)) return;
  const inside = tokenizer as unknown as Inside;
  const { normalizer } = inside;
  const later = (token: AddedToken) => token.normalized === true && normalizer !== null;
  const early = added.filter((token) => !later(token));
  const late = added
    .filter(later)
    .map((token) => ({ ...token, content: normalizer?.(token.content) ?? token.content }));
  inside.splitter_unnormalized = ofWholeWords(inside.splitter_unnormalized, early);
  inside.splitter_normalized = ofWholeWords(inside.splitter_normalized, late);
}

/** A splitter that leaves tokens which are parts of words in the text around them. */
function ofWholeWords(splitter: Splitter, tokens: readonly AddedToken[]): Splitter {
  const singleWord = new Map(tokens.map(({ content, single_word = false }) => [content, single_word]));
  return {
    split(text) {
      const kept: string[] = [];
      let between = '';
      let start = 0;
      for (const section of splitter.split(text)) {
        const end = start + section.length;
        const goesOn = () =>
          endsInWord.test(text.slice(Math.max(0, start - 2), start)) || startsWithWord.test(text.slice(end, end + 2));
        const single = singleWord.get(section);
        if (single === undefined || (single && goesOn())) between += section;
        else {
          if (between !== '') kept.push(between);
          kept.push(section);
          between = '';
        }
        start = end;
      }
      if (between !== '') kept.push(between);
      return kept;
    },
  };
}
