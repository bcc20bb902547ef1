// SQuAD's own scores: exact match and F1 of an answer against those that people gave, normalised as its official script does.

// Python's string.punctuation.
const punctuation = /[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/g;
// Word boundaries as Python's re sees them: letters, numerals and the underscore of any script, combining marks not among them.
const articles = /(?<![\p{L}\p{N}_])(?:an?|the)(?![\p{L}\p{N}_])/gu;

/**
 * Lower case, without punctuation, without articles, spaces squeezed: the normalisation of SQuAD's evaluation script
 * (Rajpurkar et al. 2016, 2018), in its order.
 */
export const normaliseSquad = (text: string): string => squadTokens(text).join(' ');

/** The words of a normalised answer; none where nothing is left of it. */
function squadTokens(text: string): readonly string[] {
  return text
    .toLowerCase()
    .replace(punctuation, '')
    .replace(articles, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');
}

/** Answers that survive normalisation; the empty answer where there are none: silence is then what is right. */
function goldAnswers(answers: readonly string[]): readonly string[] {
  const kept = answers.filter((answer) => normaliseSquad(answer) !== '');
  return kept.length > 0 ? kept : [''];
}

/**
 * Whether an answer equals one of those given, normalised.
 * @param prediction empty for "no answer"
 * @param answers none for a question that the passage does not answer
 */
export function squadExact(prediction: string, answers: readonly string[]): 0 | 1 {
  const said = normaliseSquad(prediction);
  return goldAnswers(answers).some((answer) => normaliseSquad(answer) === said) ? 1 : 0;
}

/**
 * The best F1 of the words of an answer against those of any answer given. Where either has no words, F1 is 1 when
 * neither has and 0 otherwise.
 */
export function squadF1(prediction: string, answers: readonly string[]): number {
  const said = squadTokens(prediction);
  return Math.max(...goldAnswers(answers).map((answer) => wordsF1(said, squadTokens(answer))));
}

function wordsF1(said: readonly string[], wanted: readonly string[]): number {
  if (said.length === 0 || wanted.length === 0) return said.length === wanted.length ? 1 : 0;
  const left = new Map<string, number>();
  for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of said) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    common++;
    left.set(word, count - 1);
  }
  if (common === 0) return 0;
  const [precision, recall] = [common / said.length, common / wanted.length];
  return (2 * precision * recall) / (precision + recall);
}
