// Which of the words there are somebody may have meant by one there is not.

/** The words nearest to one, by how many letters would have to change; the nearest first. */
export function nearest(word: string, words: readonly string[], most = 3): readonly string[] {
  const near = words.map((other) => ({ other, steps: editDistance(word, other) }));
  return near
    .sort((a, b) => a.steps - b.steps)
    .slice(0, most)
    .map(({ other }) => other);
}

/** Levenshtein's distance: letters put in, taken out or replaced. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [line, letter] of [...from].entries()) {
    const next = [line + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = row[column - 1]! + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}
