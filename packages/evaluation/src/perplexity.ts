// Held text for perplexity: the cheapest witness of damage that no probe was written for.
import type { Tokenizer } from '@errata/models';

/** Tokens read unless told otherwise: enough that one version's perplexity is known to a few percent. */
export const defaultPerplexityTokens = 4096;

// No tokenizer in use makes tokens of more characters than this on the mean.
const charactersPerToken = 16;

/**
 * The last tokens of a text: statistics for editors are taken from its beginning, so the end is the part held back. Only so
 * much of the text is tokenised as can be needed; its first line, which the cut may have torn, is left out.
 */
export function heldTokens(tokenizer: Tokenizer, text: string, tokens: number): readonly number[] {
  const tail = text.slice(-charactersPerToken * tokens);
  const whole = tail.length === text.length ? tail : tail.slice(tail.indexOf('\n') + 1);
  return tokenizer.encode(whole).slice(-tokens);
}
