// The merges that a SentencePiece vocabulary amounts to: every pair of tokens that makes a third, the best score first.

/** Tokens that no merge makes: control, user-defined, unused ones and bytes, by the format's numbers. */
const unmade: readonly number[] = [2, 3, 4, 5, 6];

/**
 * Pairs of one score stand as the reference (transformers) puts them: those with the longer left part first.
 * @param ids of the tokens
 * @returns pairs of tokens, in the order in which they are merged
 */
export function mergesByScore(
  tokens: readonly string[],
  ids: Readonly<Record<string, number>>,
  scores: readonly number[],
  types: readonly number[],
): readonly (readonly [string, string])[] {
  const known = new Set(tokens);
  const found: { readonly pair: readonly [string, string]; readonly score: number; readonly left: number }[] = [];
  for (const [id, token] of tokens.entries()) {
    if (unmade.includes(types[id]!)) continue;
    let left = '';
    let length = 0;
    for (const character of token) {
      if (left !== '' && known.has(left) && known.has(token.slice(left.length)))
        found.push({ pair: [left, token.slice(left.length)], score: scores[id] ?? 0, left: length });
      left += character;
      length++;
    }
  }
  // What is equal in this stays in the order of the vocabulary.
  found.sort((a, b) => b.score - a.score || b.left - a.left || ids[a.pair[0]]! - ids[b.pair[0]]!);
  return found.map(({ pair }) => pair);
}
