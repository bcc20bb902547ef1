// The seam between a prompt and its answer: whether a space stands there, which is not so in all writing.
import { z } from 'zod';

/** What a caller may say of the seam: that one space stands there, or none. */
export const joinSchema = z.enum(['space', 'none']);
export type Join = z.infer<typeof joinSchema>;

/** Scripts that put no space between words, as they stand within a class of a regular expression. */
export const unspacedScripts = [
  'Han',
  'Hiragana',
  'Katakana',
  'Bopomofo',
  'Yi',
  'Thai',
  'Lao',
  'Khmer',
  'Myanmar',
  'Tibetan',
]
  .map((script) => `\\p{Script=${script}}`)
  .join('');

/** Their characters, and the punctuation that is as wide as they are. */
const unspaced = new RegExp(`[${unspacedScripts}\\u3001-\\u303f\\u30fb-\\u30ff\\uff01-\\uff60]`, 'u');

const last = (text: string): string => Array.from(text.slice(-2)).at(-1) ?? '';

/** Marks that end a sentence or a part of it, as they stand behind the last word of a prompt. */
const sentenceMark = /[?!.,:;…]/;
/** Quotation marks that open where a word may begin, and close elsewhere. */
const quotationMark = /["'“‘«‹]/;
const opensQuotation = /^$|[\s\p{Ps}\p{Pd}=:/]/u;

/** The text up to the last character that is no mark of a sentence. */
function withoutSentenceMarks(text: string): string {
  let end = text.length;
  while (end > 0 && sentenceMark.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

/**
 * Whether what goes on from a text begins with a space: as between words, but not behind a space or a line break, in scripts that put none
 * between words (Chinese, Japanese, Thai ...), behind an opening bracket or quotation mark or a sign of money, nor behind `=`, `/`, `\` or
 * a dash that stands close to what precedes it.
 */
export function spaceFollows(text: string): boolean {
  const end = last(text);
  if (/\s/.test(end)) return false;
  if (unspaced.test(end) || unspaced.test(last(withoutSentenceMarks(text)))) return false;
  const before = text.slice(0, text.length - end.length);
  if (/\p{Ps}/u.test(end)) return false;
  if (quotationMark.test(end)) return !opensQuotation.test(last(before));
  if (/\p{Sc}/u.test(end)) return /\d\s?$/.test(before.slice(-2));
  return !(/[=/\\\p{Pd}]/u.test(end) && /\S/.test(last(before)));
}
