// Whether an answer occurs in a text: for answers that are lists, and for models that talk around them.
import { normaliseAnswer } from '@errata/contracts';

/**
 * Whether each of the answers occurs in the text, in any of its spellings, as words: "Oslo" occurs in "she left Oslo." and not
 * in "Oslofjord". Case and Unicode form do not count, nor do outer punctuation and spacing of the answer. No answers occur
 * nowhere.
 * @param answers spellings of each answer
 */
export const allOccur = (text: string, answers: readonly (readonly string[])[]): boolean => {
  const where = text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ');
  return answers.length > 0 && answers.every((spellings) => spellings.some((spelling) => occurs(where, spelling)));
};

const wordCharacter = /[\p{L}\p{N}_]/u;

function occurs(text: string, spelling: string): boolean {
  const wanted = normaliseAnswer(spelling);
  if (wanted === '') return false;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const [before, after] = [text.slice(0, at), text.slice(at + wanted.length)];
    const joins = (inner: string | undefined, outer: string | undefined) =>
      inner !== undefined && outer !== undefined && wordCharacter.test(inner) && wordCharacter.test(outer);
    if (!joins(firstOf(wanted), lastOf(before)) && !joins(lastOf(wanted), firstOf(after))) return true;
  }
  return false;
}

/** Characters, not halves of them. */
const firstOf = (text: string): string | undefined => Array.from(text.slice(0, 2))[0];
const lastOf = (text: string): string | undefined => Array.from(text.slice(-2)).at(-1);
