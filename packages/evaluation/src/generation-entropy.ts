// Entropy of what a version says when it goes on talking: one that has collapsed repeats itself, whatever it is asked.
import { encodePrompt, type Tokenizer, type View } from '@errata/models';
import { textEntropy } from './metrics/entropy.ts';

/** Tokens of each sample at most. */
const sampleTokens = 64;
/** Among the five likeliest, as the code of Meng et al. (2022) samples. */
const topK = 5;

/**
 * Mean n-gram entropy of a version's continuations of some prompts, in bits, sampled with one seed: equal versions get equal values.
 * A sample does not end early, since a text that stops after a word would pass for a repetitive one. `undefined` without prompts
 * that fit the context.
 */
export async function generationEntropy(
  view: View,
  tokenizer: Tokenizer,
  prompts: readonly string[],
  signal?: AbortSignal,
): Promise<number | undefined> {
  const ids = prompts
    .map((prompt) => encodePrompt(tokenizer, prompt))
    .filter(({ length }) => length < view.spec.context);
  if (ids.length === 0) return undefined;
  const options = { maxTokens: sampleTokens, temperature: 1, topK, seed: 0 };
  const samples = await view.generate(ids, { ...options, ...(signal && { signal }) });
  const texts = samples.map(({ tokens }) => tokenizer.decodeContinuation(tokens));
  return texts.reduce((sum, text) => sum + textEntropy(text), 0) / texts.length;
}
