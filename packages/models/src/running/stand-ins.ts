// Who answers a prompt: the version that is asked, or a model beside it that a memory has answer. Each prompt goes its own way.

import type { Beside, StandIn } from '../deltas/reading.ts';
import type { BatchedVersion } from './batched-version.ts';
import type { Reply, ReplyItem, ReplyOptions } from './reply.ts';
import type { RunningBatch } from './running-batch.ts';
import type { Score, ScoreItem } from './score.ts';

/** What answers without going on token by token in a batch with others. */
export interface Answering {
  readonly score: (items: readonly ScoreItem[]) => Promise<readonly Score[]>;
  readonly reply: (items: readonly ReplyItem[], options?: ReplyOptions) => Promise<readonly Reply[]>;
  readonly nextLogits: (prompts: readonly (readonly number[])[]) => Promise<readonly Float32Array[]>;
}

/** A model beside another, as it is asked. */
export interface OpenedBeside extends Beside {
  readonly answering: Answering;
  readonly version: BatchedVersion;
  /** The batch that its continuations run in. */
  readonly batch: RunningBatch;
}

/** Whoever opens a model beside another makes it one of these. */
export const openedBeside = (by: Beside): OpenedBeside => by as OpenedBeside;

/** Who stands in for a version at a prompt; null where it answers itself. */
export type StandInOf = (prompt: readonly number[]) => Promise<StandIn | null>;

/** How items that have a prompt are asked. */
interface Ways<Item, Answer> {
  readonly promptOf: (item: Item) => readonly number[];
  readonly withPrompt: (item: Item, prompt: readonly number[]) => Item;
  readonly ask: (who: Answering, items: readonly Item[]) => Promise<readonly Answer[]>;
}

/** Answers in the order of the items, each by whoever is to give it; those of one model in one call. */
async function answeredBy<Item, Answer>(
  own: Answering,
  standInOf: StandInOf,
  items: readonly Item[],
  { promptOf, withPrompt, ask }: Ways<Item, Answer>,
): Promise<readonly Answer[]> {
  const standIns = await Promise.all(items.map((item) => standInOf(promptOf(item))));
  const answers = new Array<Answer>(items.length);
  for (const by of new Set(standIns.map((standIn) => standIn?.by))) {
    const members = [...items.keys()].filter((at) => standIns[at]?.by === by);
    const asked = members.map((at) => {
      const standIn = standIns[at];
      return standIn ? withPrompt(items[at]!, standIn.prompt) : items[at]!;
    });
    const found = await ask(by ? openedBeside(by).answering : own, asked);
    for (const [row, at] of members.entries()) answers[at] = found[row]!;
  }
  return answers;
}

/** How items with a prompt of their own are asked. */
const ofItems = <Item extends { readonly prompt: readonly number[] }>() => ({
  promptOf: ({ prompt }: Item) => prompt,
  withPrompt: (item: Item, prompt: readonly number[]): Item => ({ ...item, prompt }),
});

/** A version whose prompts others may answer. */
export function withStandIns(own: Answering, standInOf: StandInOf | undefined): Answering {
  if (standInOf === undefined) return own;
  return {
    score: (items) => answeredBy(own, standInOf, items, { ...ofItems(), ask: (who, asked) => who.score(asked) }),
    reply: (items, options) =>
      answeredBy(own, standInOf, items, { ...ofItems(), ask: (who, asked) => who.reply(asked, options) }),
    nextLogits: (prompts) =>
      answeredBy(own, standInOf, prompts, {
        promptOf: (prompt) => prompt,
        withPrompt: (_, prompt) => prompt,
        ask: (who, asked) => who.nextLogits(asked),
      }),
  };
}
