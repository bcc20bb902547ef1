// Replies: a prompt's continuations scored and its greedy continuation found, together, in as little work as possible.

import { float32, float32Data, type HostTensor, type HostTensors, int32Data } from '@errata/graph';
import { ModelError } from '../errors.ts';
import { checkSequences, packBatches } from './batches.ts';
import { indices } from './feeds.ts';
import type { Forward } from './forward.ts';
import { makeKeyValueCache } from './kv-cache.ts';
import { hidden } from './masks.ts';
import { placedIn, type ReadPrompt } from './prompts.ts';
import { freshFeeds, type Score } from './score.ts';

/** A prompt with what is to be known of a model's reply to it. */
export interface ReplyItem {
  /** At least one token. */
  readonly prompt: readonly number[];
  /** Continuations to score, of at least one token each. */
  readonly targets: readonly (readonly number[])[];
  /** Tokens of greedy generation at most; 0 for none. */
  readonly tokens: number;
}

/** What a model makes of one prompt. */
export interface Reply {
  /** Of the targets, in order. */
  readonly scores: readonly Score[];
  /** The greedy continuation, without the stop token that may have ended it. */
  readonly greedy: readonly number[];
}

export interface ReplyOptions {
  /** Tokens that end a continuation; not part of it. */
  readonly stop?: readonly number[];
  /** Stops between two runs: the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Positions and logit rows in one run: bounds memory at some hundreds of MB for a vocabulary of 50,000. */
const tokenBudget = 2048;
const logitBudget = 2 ** 25;

/** Where a target lies in its prompt's row. */
interface Branch {
  readonly ids: readonly number[];
  /** Position of its first token. */
  readonly start: number;
  /** Its tokens in the row: its last one is there only where generation may go on behind it. */
  readonly length: number;
}

interface Plan {
  readonly prompt: ReadPrompt;
  readonly targets: ReplyItem['targets'];
  readonly branches: readonly Branch[];
  /** The branch that each target is, or begins. */
  readonly branchOf: readonly number[];
  /** The prompt and behind it all branches, each of which sees the prompt and itself alone. */
  readonly row: readonly number[];
  /** Tokens to generate: no more than the context holds. */
  readonly tokens: number;
}

/**
 * Scores and greedy continuations.
 *
 * A prompt is run once, with all its targets behind it in one row, each hidden from the others. The most likely token at
 * every position comes out of that run, so as far as the greedy continuation keeps to a target it is known without being
 * generated; only from where it leaves all of them is it continued token by token, on the keys and values of that run.
 * @returns replies in the order of the items
 * @throws ModelError sequence_*
 */
export async function reply(
  forward: Forward,
  items: readonly ReplyItem[],
  { stop = [], signal }: ReplyOptions = {},
): Promise<readonly Reply[]> {
  const { spec } = forward;
  requireTargets(items);
  checkSequences(
    spec,
    items.flatMap(({ prompt, targets }) => [prompt, ...targets.map((target) => [...prompt, ...target])]),
  );
  const prompts = await forward.read(
    items.map(({ prompt, targets }) => ({ ids: prompt, behind: Math.max(0, ...targets.map(({ length }) => length)) })),
  );
  const plans = items.map((item, index) => planItem(item, prompts[index]!, spec.context));
  const rowPrice = Math.max(1, Math.round((tokenBudget * spec.vocab) / logitBudget));
  const rows = plans.map(({ row }) => row);
  const results = new Array<Reply>(items.length);
  // What a row costs beside its length: its logits, and what generation will add.
  const price = (member: number) => {
    const { row, prompt, tokens } = plans[member]!;
    return (rowPrice - 1) * (row.length - prompt.ids.length + 1) + tokens;
  };
  for (const { members, ids, time } of packBatches(rows, tokenBudget, price)) {
    signal?.throwIfAborted();
    const batch = members.map((member) => plans[member]!);
    const found = await runBatch(forward, batch, ids, time, stop, signal);
    for (const [row, member] of members.entries()) results[member] = found[row]!;
  }
  return results;
}

/** @throws ModelError sequence_empty for a target without tokens */
export function requireTargets(items: readonly ReplyItem[]): void {
  for (const [index, { targets }] of items.entries()) {
    if (targets.some(({ length }) => length === 0))
      throw new ModelError('sequence_empty', {
        where: `item ${index}`,
        what: 'one of its targets has no tokens',
        hint: 'Give each at least one token',
      });
  }
}

function planItem(item: ReplyItem, prompt: ReadPrompt, context: number): Plan {
  const { targets } = item;
  const tokens = Math.min(item.tokens, context - prompt.ids.length);
  const distinct: (readonly number[])[] = [];
  for (const ids of [...targets].sort((a, b) => b.length - a.length))
    if (!distinct.some((longer) => begins(longer, ids))) distinct.push(ids);
  const row = [...prompt.ids];
  const branches = distinct.map((ids): Branch => {
    // The last token predicts nothing that is scored.
    const length = tokens > ids.length ? ids.length : ids.length - 1;
    const start = row.length;
    row.push(...ids.slice(0, length));
    return { ids, start, length };
  });
  const branchOf = targets.map((ids) => distinct.findIndex((longer) => begins(longer, ids)));
  return { prompt, targets, branches, branchOf, row, tokens };
}

const begins = (whole: readonly number[], part: readonly number[]): boolean =>
  part.every((token, position) => whole[position] === token);

async function runBatch(
  forward: Forward,
  plans: readonly Plan[],
  ids: Int32Array,
  time: number,
  stop: readonly number[],
  signal: AbortSignal | undefined,
): Promise<readonly Reply[]> {
  const wanted = plans.map(positionsOf);
  const feeds = {
    ...freshFeeds(forward, layOut(plans, ids, time)),
    bias: float32([plans.length, 1, time, time], treeBias(plans, time)),
    rows: indices(wanted.flatMap((positions, row) => positions.map(({ at }) => row * time + at))),
    targets: indices(wanted.flatMap((positions) => positions.map(({ token }) => token))),
    logit_rows: indices([]),
  };
  const prompts = plans.map(({ prompt }, row) => placedIn({ time }, row, prompt));
  const out = await forward.run(feeds, prompts);
  const logProbs = float32Data(out.log_probs!);
  const best = int32Data(out.best!);

  let from = 0;
  const read = plans.map((plan, row) => {
    const end = from + wanted[row]!.length;
    const found = readRow(plan, best.subarray(from, end), logProbs.subarray(from, end), stop);
    from = end;
    return found;
  });
  await goOn(forward, plans, read, out, time, stop, signal);
  return read.map(({ scores, greedy }) => ({ scores, greedy }));
}

/** A position whose prediction is looked at, and the token whose probability is. */
interface Wanted {
  readonly at: number;
  readonly token: number;
}

/** The prompt's last position for the first token of each target, and a position of its branch for each other. */
function positionsOf({ prompt, branches }: Plan): readonly Wanted[] {
  const end = prompt.ids.length - 1;
  if (branches.length === 0) return [{ at: end, token: 0 }];
  return branches.flatMap(({ ids, start, length }) => [
    { at: end, token: ids[0]! },
    ...Array.from({ length }, (_, i) => ({ at: start + i, token: ids[i + 1] ?? 0 })),
  ]);
}

function layOut(plans: readonly Plan[], ids: Int32Array, time: number) {
  const positions = new Int32Array(ids.length);
  for (const [row, { prompt, branches }] of plans.entries()) {
    const at = row * time;
    const { length } = prompt.ids;
    for (let t = 0; t < length; t++) positions[at + t] = t;
    for (const branch of branches)
      for (let i = 0; i < branch.length; i++) positions[at + branch.start + i] = length + i;
  }
  return { members: plans.map((_, row) => row), batch: plans.length, time, ids, positions };
}

/** `[batch, 1, time, time]`: a token sees its prompt, its own branch before it, and itself. */
function treeBias(plans: readonly Plan[], time: number): Float32Array {
  const bias = new Float32Array(plans.length * time * time).fill(hidden);
  for (const [row, { prompt, branches }] of plans.entries()) {
    const show = (t: number, from: number, to: number) => {
      const at = (row * time + t) * time;
      bias.fill(0, at + from, at + to);
    };
    const { length } = prompt.ids;
    for (let t = 0; t < length; t++) show(t, 0, t + 1);
    for (const branch of branches) {
      for (let t = branch.start; t < branch.start + branch.length; t++) {
        show(t, 0, length);
        show(t, branch.start, t + 1);
      }
    }
  }
  return bias;
}

interface Read {
  readonly scores: readonly Score[];
  /** What is known of the greedy continuation; grows. */
  readonly greedy: number[];
  /** Ranges of the row whose keys and values belong to the prompt and that continuation, but for its last token. */
  readonly ranges: readonly (readonly [number, number])[];
  done: boolean;
}

function readRow(
  { prompt: { ids }, targets, branches, branchOf, tokens }: Plan,
  best: Int32Array,
  logProbs: Float32Array,
  stop: readonly number[],
): Read {
  const prompt = [0, ids.length] as const;
  let at = 0;
  const starts: number[] = [];
  let walk: { greedy: number[]; followed: number; branch?: Branch } = { greedy: [best[0]!], followed: 0 };
  for (const branch of branches) {
    const { ids, length } = branch;
    // The prediction behind token i of a branch is the greedy one as long as all tokens up to i were greedy.
    const predicted = best.subarray(at, at + length + 1);
    let followed = 0;
    while (followed < length && predicted[followed] === ids[followed]) followed++;
    if (followed > walk.followed) walk = { greedy: [...predicted.subarray(0, followed + 1)], followed, branch };
    starts.push(at);
    at += length + 1;
  }
  const scores = targets.map(({ length }, target): Score => {
    const from = starts[branchOf[target]!]!;
    return { logProbs: logProbs.slice(from, from + length), best: best.slice(from, from + length) };
  });
  const { greedy, followed, branch } = walk;
  const ranges = branch === undefined ? [prompt] : [prompt, [branch.start, branch.start + followed] as const];
  const ended = greedy.findIndex((token) => stop.includes(token));
  const known = greedy.slice(0, Math.min(tokens, ended < 0 ? greedy.length : ended));
  return { scores, greedy: known, ranges, done: ended >= 0 || known.length >= tokens };
}

/** Generates what no target has foretold, for those rows alone that need it. */
async function goOn(
  forward: Forward,
  plans: readonly Plan[],
  read: readonly Read[],
  out: HostTensors,
  time: number,
  stop: readonly number[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const open = read.flatMap((each, row) => (each.done ? [] : [{ each, row, tokens: plans[row]!.tokens }]));
  const cache = makeKeyValueCache(forward);
  for (const { each, row } of open) cache.add(out, { sequence: row, time, ranges: each.ranges });
  while (open.length > 0) {
    signal?.throwIfAborted();
    const run = (feeds: HostTensors) => forward.run(feeds, []);
    const step: Readonly<Record<string, HostTensor>> = await cache.step(
      run,
      open.map(({ each }) => each.greedy.at(-1)!),
      [],
    );
    const best = int32Data(step.best!);
    for (let index = open.length - 1; index >= 0; index--) {
      const { each, tokens } = open[index]!;
      const token = best[index]!;
      if (stop.includes(token)) each.done = true;
      else {
        each.greedy.push(token);
        each.done = each.greedy.length >= tokens;
      }
      if (!each.done) continue;
      cache.remove(index);
      // As the cache does: the last takes its place.
      open[index] = open.at(-1)!;
      open.pop();
    }
  }
}
