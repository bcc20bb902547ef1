// Activations: what a version has at chosen sites and tokens of sequences.

import { float32, float32Data } from '@errata/graph';
import { type Site, sites } from '../architectures/decoder-graph.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import { checkSequences, layOutBatch, packBatches } from './batches.ts';
import { indices } from './feeds.ts';
import type { Forward } from './forward.ts';
import { captureName, type SiteAt } from './graphs.ts';
import { causalBias } from './masks.ts';
import { placedIn, positionIn } from './prompts.ts';

/** Which rows of each sequence are wanted. */
export type Wanted = 'last' | 'all' | readonly (readonly number[])[];

/** Positions in one run. */
const tokenBudget = 2048;

/** Queries in one block of a long sequence, at the least, and blocks at most: each is a part of the graph of its own. */
const blockLength = 256;
const mostBlocks = 8;

/** Blocks that sequences of so many tokens run in: a power of two, so that few programs serve all lengths. */
function blocksOf({ over }: DecoderSpec, time: number): number {
  if (over !== undefined) return 1;
  const enough = 2 ** Math.ceil(Math.log2(time / blockLength));
  return Math.max(1, Math.min(mostBlocks, enough));
}

function hasSite({ blocks }: DecoderSpec, site: Site, layer: number): boolean {
  const block = blocks[layer];
  return block !== undefined && sites.includes(site) && (site !== 'mlp_up' || block.mlp.kind !== 'plain');
}

/** @returns by `site.layer`, `[rows, n]` in the order of sequences and their indices */
export async function activations(
  forward: Forward,
  sequences: readonly (readonly number[])[],
  wanted: readonly SiteAt[],
  at: Wanted,
): Promise<ReadonlyMap<string, Float32Array>> {
  const { spec } = forward;
  checkSequences(spec, sequences);
  for (const { site, layer } of wanted)
    if (!hasSite(spec, site, layer)) throw new RangeError(`no site ${site} ${layer}`);
  if (spec.over && at !== 'last')
    throw new RangeError('over an encoder only the last token of a prompt has activations');
  const read = await forward.read(sequences.map((ids) => ({ ids, behind: 0 })));
  // Over an encoder a sequence is what every output begins after.
  const picked = spec.over
    ? read.map(({ ids: { length } }) => [length - 1])
    : sequences.map(({ length }, i) => pick(length, at, i).map((t) => positionIn(read[i]!, t)));
  const offsets = [0];
  for (const rows of picked) offsets.push(offsets.at(-1)! + rows.length);
  const total = offsets.at(-1)!;
  const results = new Map<string, Float32Array>();
  if (wanted.length === 0 || total === 0) return results;
  const run = read.map(({ ids }) => ids);
  for (const { members, time } of packBatches(run, tokenBudget)) {
    const blocks = blocksOf(spec, time);
    const batch = layOutBatch(run, members, blocks);
    const length = batch.time / blocks;
    const rows = batch.members.flatMap((member, row) => picked[member]!.map((t) => row * batch.time + t));
    const feeds = {
      ids: indices(batch.ids),
      positions: indices(batch.positions),
      bias: float32([batch.batch, 1, length, length], causalBias(batch.batch, length)),
      rows: indices(rows),
      ...forward.inputFeeds(batch.members.map((member) => read[member]!)),
    };
    const prompts = batch.members.map((member, row) => placedIn(batch, row, read[member]!));
    const out = await forward.capture(wanted, feeds, prompts, blocks);
    for (const name of wanted.map(captureName)) {
      const data = float32Data(out[name]!);
      const n = rows.length === 0 ? 0 : data.length / rows.length;
      const target = results.get(name) ?? new Float32Array(total * n);
      results.set(name, target);
      let from = 0;
      for (const member of batch.members) {
        const length = picked[member]!.length * n;
        target.set(data.subarray(from, from + length), offsets[member]! * n);
        from += length;
      }
    }
  }
  return results;
}

function pick(length: number, at: Wanted, index: number): readonly number[] {
  if (at === 'last') return [length - 1];
  if (at === 'all') return Array.from({ length }, (_, t) => t);
  const chosen = at[index] ?? [];
  for (const t of chosen)
    if (!(Number.isInteger(t) && t >= 0 && t < length)) throw new RangeError(`sequence ${index} has no token ${t}`);
  return chosen;
}
