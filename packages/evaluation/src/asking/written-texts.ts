// Texts that a version writes when it goes on from prompts, sampled so that equal versions write equal texts.
import { sha256 } from '@errata/contracts';
import { encodePrompt } from '@errata/models';
import type { EvaluationOptions } from '../options.ts';
import type { Respondent } from './prompts.ts';

/**
 * Tokens of a prompt and its continuation together, and how the continuation is sampled, as the code of Meng et al. (2022) does. It
 * does not end early either: a text that stops after a word would pass for a repetitive one.
 */
export const textTokens = 100;
const sampling = { temperature: 1, topK: 5 } as const;

/** Prompts of one call of the model; cancellation is seen between calls. */
const promptsAtOnce = 64;

/**
 * Each prompt with its continuation, up to {@link textTokens} together or the end of the context, without special tokens. A prompt
 * draws from a stream named after itself, and after its place among equal ones of its group: its text depends on no other.
 * @param groups prompts, all of which fit the context; equal ones within a group get texts of their own
 * @returns for each group its texts, in the order of its prompts
 */
export async function writeTexts(
  { view, tokenizer }: Respondent,
  groups: readonly (readonly string[])[],
  { seed = 0, signal }: Pick<EvaluationOptions, 'signal'> & { readonly seed?: number } = {},
): Promise<readonly (readonly string[])[]> {
  const texts: string[][] = groups.map(() => []);
  const all = groups.flatMap((prompts, group) =>
    prompts.map((prompt, index) => {
      const equalBefore = prompts.slice(0, index).filter((other) => other === prompt).length;
      const stream = Number.parseInt(sha256(JSON.stringify([prompt, equalBefore])).slice(0, 8), 16);
      return { group, ids: encodePrompt(tokenizer, prompt), stream };
    }),
  );
  for (let at = 0; at < all.length; at += promptsAtOnce) {
    signal?.throwIfAborted();
    const chunk = all.slice(at, at + promptsAtOnce);
    const room = ({ ids }: { readonly ids: readonly number[] }) => Math.max(0, textTokens - ids.length);
    const written = await view.generate(
      chunk.map(({ ids }) => ids),
      {
        ...sampling,
        seed,
        streams: chunk.map(({ stream }) => stream),
        maxTokens: Math.max(...chunk.map(room)),
        ...(signal && { signal }),
      },
    );
    for (const [index, each] of chunk.entries()) {
      const ids = [...each.ids, ...written[index]!.tokens.slice(0, room(each))];
      texts[each.group]!.push(tokenizer.decode(ids, { skipSpecialTokens: true }));
    }
  }
  return texts;
}
