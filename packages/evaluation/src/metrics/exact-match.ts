// Exact match: whether freely generated text is one of the accepted answers.
import { normaliseAnswer, unspacedScripts } from '@errata/contracts';

// What may follow an answer that is over: the end, a new line, an opening bracket or dash, or punctuation that no letter or
// digit continues (as in "3.5" or "France's"); where words have no space between them, what follows punctuation may be one.
const answerEnds = new RegExp(
  String.raw`^\s*($|\n|[([—–。、「」『』《》〈〉【】]|[.,;:!?)\]"”’'/|]+($|[^\p{L}\p{N}]|[${unspacedScripts}]))`,
  'u',
);

/**
 * Exact match by free generation: whether the text the model goes on with IS one of the accepted answers. Case, outer
 * punctuation and spacing do not count ({@link normaliseAnswer}); after the answer there must be an end: of the text, of a
 * line or of a clause. So "Paris." and " paris, where" match "Paris", and "Paris Hilton" and "Parisian" do not.
 *
 * Free greedy generation with the prompt alone, cut at the end of the sentence and compared after normalisation, is the
 * protocol that does not leak the answer (The Mirage of Model Editing, 2025); no judge takes part.
 */
export function exactMatch(generated: string, accepted: readonly string[]): 0 | 1 {
  const text = generated.normalize('NFKC').trimStart();
  for (const answer of accepted) {
    const wanted = normaliseAnswer(answer);
    if (wanted === '') continue;
    if (normaliseAnswer(text) === wanted) return 1;
    if (startsWithAnswer(text, wanted)) return 1;
  }
  return 0;
}

/** Spacing inside the answer may differ, so the end of the match is searched for, not computed. */
function startsWithAnswer(text: string, wanted: string): boolean {
  const furthest = Math.min(text.length, 2 * wanted.length + 16);
  for (let end = wanted.length; end <= furthest; end++) {
    if (normaliseAnswer(text.slice(0, end)) === wanted && answerEnds.test(text.slice(end))) return true;
  }
  return false;
}

const sentenceEnds = /\n|[.!?](?=\s|$)|[。！？]/u;

/** The answer in a continuation, for people to read: up to the end of its first sentence or line, trimmed. */
export function firstSentence(generated: string): string {
  const text = generated.trimStart();
  const end = text.search(sentenceEnds);
  return (end <= 0 ? text : text.slice(0, end)).trim();
}
