// The metrics: how one answer is scored, and how scores are averaged.
import type { MeanScore, Score } from '@errata/contracts';
import { normaliseAnswer } from '@errata/contracts';

/**
 * Token accuracy and its all-or-nothing form: of the tokens expected, how many the model puts first when the ones before
 * are given to it. A three-token target with one hit scores 1/3 by token and 0 by all. This is what editing papers report
 * as rewrite accuracy; it leaks the answer's length and its earlier tokens, which is why `exact` stands beside it.
 *
 * @param predicted the argmax at each target position, `expected.length` of them
 * @throws RangeError when the lengths differ or nothing is expected
 */
export function tokenAgreement(
  predicted: readonly number[],
  expected: readonly number[],
): { readonly token: number; readonly all: number } {
  if (expected.length === 0 || predicted.length !== expected.length)
    throw new RangeError(`${predicted.length} predictions for ${expected.length} expected tokens`);
  const hits = expected.filter((id, position) => predicted[position] === id).length;
  return { token: hits / expected.length, all: hits === expected.length ? 1 : 0 };
}

// What may follow an answer that is over: the end, a new line, an opening bracket or dash, or punctuation that no letter or
// digit continues (as in "3.5" or "France's").
const answerEnds = /^\s*($|\n|[([—–]|[.,;:!?)\]"”’'/|]+($|[^\p{L}\p{N}]))/u;

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

const sentenceEnds = /\n|[.!?](?=\s|$)/u;

/** The answer in a continuation, for people to read: up to the end of its first sentence or line, trimmed. */
export function firstSentence(generated: string): string {
  const text = generated.trimStart();
  const end = text.search(sentenceEnds);
  return (end <= 0 ? text : text.slice(0, end)).trim();
}

/** Mean of scores with their number; `null` of none, since a mean over nothing is not 0. */
export function meanScore(scores: readonly Score[]): MeanScore | null {
  if (scores.length === 0) return null;
  const mean = (key: keyof Score) => scores.reduce((sum, score) => sum + score[key], 0) / scores.length;
  return { token: mean('token'), all: mean('all'), exact: mean('exact'), count: scores.length };
}
