// Tokens as people read them, one by one: their texts, their bytes, and how probable they were.
import type { Tokenizer, TokenLogProbs } from '@errata/models';
import type { PlacedToken, SpelledToken } from '../calls/index.ts';

/** A token's text as the widespread completion API gives it. */
function spellToken(tokenizer: Tokenizer, id: number): SpelledToken {
  const name = tokenizer.idToToken(id);
  // Only rounds the vocabulary up.
  if (name === undefined) return { token: '', bytes: [] };
  const bytes = tokenizer.continuationBytes(id);
  if (bytes.length === 0) return { token: name, bytes: [...Buffer.from(name)] };
  try {
    return { token: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), bytes: [...bytes] };
  } catch {
    const escaped = [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`);
    return { token: `bytes:${escaped.join('')}`, bytes: [...bytes] };
  }
}

/** @param found undefined for the first token of a text */
export const placeToken = (
  tokenizer: Tokenizer,
  id: number,
  offset: number,
  found: TokenLogProbs | undefined,
): PlacedToken => ({
  ...spellToken(tokenizer, id),
  offset,
  logprob: found?.logProb ?? null,
  top: (found?.top ?? []).map(({ token, logProb }) => ({ ...spellToken(tokenizer, token), logprob: logProb })),
});
