// Where a subject stands in a prompt: as words of its own, never as a part of another word.
import { unspacedScripts } from './seam.ts';

/** Characters that make up words. */
const wordCharacter = /[\p{L}\p{N}\p{M}_]/u;

/** Scripts that put no space between words, or hang particles on names: a border between words is not to be seen in them. */
const unspaced = new RegExp(`[${unspacedScripts}\\p{Script=Hangul}ー]`, 'u');

/** The character that ends at, or begins at, a UTF-16 index. */
const characterBefore = (text: string, index: number): string =>
  Array.from(text.slice(Math.max(0, index - 2), index)).at(-1) ?? '';
const characterAfter = (text: string, index: number): string => {
  const code = text.codePointAt(index);
  return code === undefined ? '' : String.fromCodePoint(code);
};

const joinsWords = (inner: string, outer: string): boolean =>
  [inner, outer].every((character) => wordCharacter.test(character) && !unspaced.test(character));

/** Where a subject was found, or why it was not. */
export type SubjectPlace =
  | { readonly end: number }
  | { readonly missing: 'absent' | 'inside_word'; readonly what: string; readonly hint: string };

/**
 * UTF-16 index at which the subject ends in the prompt. Only occurrences that stand as words of their own count ("Al" is not found in
 * "Algeria"), and of several the last: by then the model has read all there is of the subject, and a context prefix that happens to
 * name it does not move the edit. Spaces around the subject do not matter.
 */
export function findSubject(prompt: string, subject: string): SubjectPlace {
  const wanted = subject.trim();
  // Nothing is found everywhere, and once more at the end of the prompt, for ever.
  if (wanted === '') return { missing: 'absent', what: 'the subject is blank', hint: 'Write what the prompt is about' };
  let end: number | undefined;
  let inside: number | undefined;
  for (let at = prompt.indexOf(wanted); at >= 0; at = prompt.indexOf(wanted, at + 1)) {
    const to = at + wanted.length;
    const joined =
      joinsWords(characterAfter(prompt, at), characterBefore(prompt, at)) ||
      joinsWords(characterBefore(prompt, to), characterAfter(prompt, to));
    if (joined) inside = at;
    else end = to;
  }
  if (end !== undefined) return { end };
  const named = `the subject ${JSON.stringify(subject)}`;
  if (inside !== undefined) {
    return {
      missing: 'inside_word',
      what: `${named} occurs in the prompt only within another word, ${JSON.stringify(wordAt(prompt, inside, wanted.length))}`,
      hint: 'Write the whole word as the subject, or the subject as a word of its own',
    };
  }
  const same = (text: string): string => text.normalize('NFKC').toLowerCase();
  return {
    missing: 'absent',
    what: `${named} does not occur in the prompt`,
    hint: same(prompt).includes(same(wanted))
      ? 'It appears with other capitals or another Unicode form: write both alike'
      : 'Write the subject exactly as it stands in the prompt',
  };
}

/** The word around a part of a text. */
function wordAt(text: string, at: number, length: number): string {
  const before = /[\p{L}\p{N}\p{M}_]*$/u.exec(text.slice(0, at))![0];
  const after = /^[\p{L}\p{N}\p{M}_]*/u.exec(text.slice(at + length))![0];
  return before + text.slice(at, at + length) + after;
}
