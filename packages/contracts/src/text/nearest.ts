// Which of the words there are somebody may have meant by one there is not.
import { distance } from 'fastest-levenshtein';

/** The words nearest to one, by how many letters would have to change; the nearest first. */
export function nearest(word: string, words: readonly string[], most = 3): readonly string[] {
  const near = words.map((other) => ({ other, steps: distance(word, other) }));
  return near
    .sort((a, b) => a.steps - b.steps)
    .slice(0, most)
    .map(({ other }) => other);
}
