// Texts that a version writes when it goes on from prompts, sampled so that equal versions write equal texts.
import { sha256 } from '@errata/contracts';
import {
  encodePrompt,
  type Generated,
  type GenerateOptions,
  type Model,
  type Tokenizer,
  type View,
} from '@errata/models';
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
export const writeTexts = (
  { view, tokenizer }: Respondent,
  groups: readonly (readonly string[])[],
  options: WritingOptions = {},
): Promise<readonly (readonly string[])[]> =>
  write(tokenizer, groups, options, (chunk, generating) =>
    view.generate(
      chunk.map(({ ids }) => ids),
      generating,
    ),
  );

/** {@link writeTexts} of several versions of a model in one go: a version for each group. */
export const writeTextsTogether = (
  { model, tokenizer }: { readonly model: Model; readonly tokenizer: Tokenizer },
  groups: readonly { readonly view: View; readonly prompts: readonly string[] }[],
  options: WritingOptions = {},
): Promise<readonly (readonly string[])[]> =>
  write(
    tokenizer,
    groups.map(({ prompts }) => prompts),
    options,
    (chunk, generating) =>
      model.generate(
        chunk.map(({ group, ids }) => ({ view: groups[group]!.view, prompt: ids })),
        generating,
      ),
  );

interface WritingOptions extends Pick<EvaluationOptions, 'signal'> {
  readonly seed?: number;
}

/** A text to be written, for one of the groups. */
interface Begun {
  readonly group: number;
  readonly ids: readonly number[];
  readonly stream: number;
}

async function write(
  tokenizer: Tokenizer,
  groups: readonly (readonly string[])[],
  { seed = 0, signal }: WritingOptions,
  generate: (chunk: readonly Begun[], options: GenerateOptions) => Promise<readonly Generated[]>,
): Promise<readonly (readonly string[])[]> {
  const texts: string[][] = groups.map(() => []);
  const all = groups.flatMap((prompts, group) =>
    prompts.map((prompt, index): Begun => {
      const equalBefore = prompts.slice(0, index).filter((other) => other === prompt).length;
      const stream = Number.parseInt(sha256(JSON.stringify([prompt, equalBefore])).slice(0, 8), 16);
      return { group, ids: encodePrompt(tokenizer, prompt), stream };
    }),
  );
  for (let at = 0; at < all.length; at += promptsAtOnce) {
    signal?.throwIfAborted();
    const chunk = all.slice(at, at + promptsAtOnce);
    const room = ({ ids }: { readonly ids: readonly number[] }) => Math.max(0, textTokens - ids.length);
    const written = await generate(chunk, {
      ...sampling,
      seed,
      streams: chunk.map(({ stream }) => stream),
      maxTokens: Math.max(...chunk.map(room)),
      ...(signal && { signal }),
    });
    for (const [index, each] of chunk.entries()) {
      const ids = [...each.ids, ...written[index]!.tokens.slice(0, room(each))];
      texts[each.group]!.push(tokenizer.decode(ids, { skipSpecialTokens: true }));
    }
  }
  return texts;
}
