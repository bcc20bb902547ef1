// When two edits ask the same, and two answers say the same.
import type { Edit } from '../wire/edits.ts';

const squash = (value: string) => value.trim().replace(/\s+/g, ' ');

/** Case, outer punctuation and spacing do not make another answer. */
export function normaliseAnswer(answer: string): string {
  const text = squash(answer.normalize('NFKC').toLowerCase());
  let [start, end] = [0, text.length];
  while (start < end && outer.includes(text[start]!)) start++;
  while (end > start && outer.includes(text[end - 1]!)) end--;
  return text.slice(start, end);
}

// Taken off one by one: an expression that ends in $ looks at a long run of them once for each place in it.
const outer = ` "'.,;:!?()。、「」『』《》〈〉【】`;

/** Whether two targets are spelled alike. Capitals count: to correct them is an edit. */
export const sameAnswer = (a: string, b: string): boolean => squash(a.normalize('NFC')) === squash(b.normalize('NFC'));

/** The questions an edit answers: its prompt as worded and, where subject and relation are named, (subject, relation). */
export const questionsOf = ({
  prompt,
  subject,
  relation,
}: Pick<Edit, 'prompt' | 'subject' | 'relation'>): readonly string[] => [
  `prompt:${squash(prompt)}`,
  ...(relation === undefined || subject === undefined ? [] : [`relation:${squash(subject)}\u0000${relation}`]),
];
