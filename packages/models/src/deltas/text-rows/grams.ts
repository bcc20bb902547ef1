// The character n-grams of a text's words, by which texts are found to be alike.

/** Lengths of the n-grams of a word. */
const shortest = 3;
const longest = 5;

/** How often each n-gram occurs in the words of a text, the words themselves included. */
export function gramsOf(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [word] of text
    .normalize('NFKC')
    .toLowerCase()
    .matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
    const bounded = `<${word}>`;
    const grams = bounded.length > longest ? [bounded] : [];
    for (let length = shortest; length <= longest; length++)
      for (let at = 0; at + length <= bounded.length; at++) grams.push(bounded.slice(at, at + length));
    for (const gram of grams) counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}
