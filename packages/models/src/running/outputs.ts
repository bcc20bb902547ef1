// What a version over an encoder says: outputs and replies. All that is written to the prompts of one call stays together to the last.

import { checkSequences, packBatches } from './batches.ts';
import type { Forward } from './forward.ts';
import { beginContinuation, type GenerateOptions, requireLength } from './generate.ts';
import { type Reply, type ReplyItem, type ReplyOptions, requireTargets } from './reply.ts';
import { type Score, type ScoreItem, score } from './score.ts';
import { writeOutputs } from './write-outputs.ts';
import type { Generated } from './writing.ts';

/** Positions of inputs and outputs in one run. */
const tokenBudget = 2048;

/** @returns outputs in the order of the prompts */
export async function generateOutputs(
  forward: Forward,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions,
): Promise<readonly Generated[]> {
  const { spec, undrawable } = forward;
  const { maxTokens, signal } = options;
  checkSequences(spec, prompts);
  requireLength(options);
  signal?.throwIfAborted();
  const read = await forward.read(prompts.map((ids) => ({ ids, behind: 0 })));
  const results = new Array<Generated>(prompts.length);
  const inputs = read.map(({ input }) => input!);
  for (const { members } of packBatches(inputs, tokenBudget, () => maxTokens)) {
    const batch = members.map((member) => read[member]!);
    const writings = members.map((index, row) =>
      beginContinuation(spec, undrawable, { index, length: batch[row]!.ids.length }, options),
    );
    await writeOutputs(await forward.over(batch), batch, writings, signal);
    for (const [row, member] of members.entries()) results[member] = writings[row]!.result();
  }
  return results;
}

/** @returns replies in the order of the items: their targets scored, and what is generated greedily */
export async function replyByOutputs(
  forward: Forward,
  items: readonly ReplyItem[],
  { stop = [], signal }: ReplyOptions = {},
): Promise<readonly Reply[]> {
  requireTargets(items);
  const asked = items.flatMap(({ prompt, targets }) => targets.map((target): ScoreItem => ({ prompt, target })));
  const scores: readonly Score[] = await score(forward, asked);
  const greedy = new Array<readonly number[]>(items.length).fill([]);
  for (const tokens of new Set(items.map((item) => item.tokens))) {
    if (tokens === 0) continue;
    const members = [...items.keys()].filter((index) => items[index]!.tokens === tokens);
    const written = await generateOutputs(
      forward,
      members.map((index) => items[index]!.prompt),
      { maxTokens: tokens, stop, ...(signal && { signal }) },
    );
    for (const [row, index] of members.entries()) greedy[index] = written[row]!.tokens;
  }
  let from = 0;
  return items.map(({ targets }, index) => {
    const own = scores.slice(from, from + targets.length);
    from += targets.length;
    return { scores: own, greedy: greedy[index]! };
  });
}
