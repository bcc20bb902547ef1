// Lanes: continuations that are stepped together, each with a row of one cache.

import type { HostTensors } from '@errata/graph';
import type { BatchedVersion } from './batched-version.ts';
import type { Runner } from './forward.ts';
import { type KeyValueCache, makeKeyValueCache } from './kv-cache.ts';

/** Continuations that are stepped together. */
export interface Lane<Member> {
  readonly members: Member[];
  /** A row a member, in their order. */
  readonly cache: KeyValueCache;
  /** How they are run as long as they stay the same. */
  run: ((feeds: HostTensors) => ReturnType<Runner['run']>) | undefined;
}

export interface Lanes<Member> {
  readonly all: () => readonly Lane<Member>[];
  /** Puts a member into its lane, with the first `read` positions of what was read of its prompt. */
  readonly enter: (member: Member, keysValues: HostTensors, read: number) => void;
  /** Takes a member out; the last of the lane has its row from then on. */
  readonly leave: (lane: Lane<Member>, row: number) => void;
  readonly forgetEmpty: () => void;
}

/** Prompts of like length are stepped together, that none pays for one many times as long: a new lane at each fourfold of this. */
const shortPrompt = 512;

export function makeLanes<
  Member extends { readonly version: BatchedVersion; readonly prompt: { readonly ids: readonly number[] } },
>(spec: Runner['spec']): Lanes<Member> {
  /** By the version that they are for, or `base` for all that share one, and by how long their prompts are. */
  const lanes = new Map<unknown, Map<number, Lane<Member>>>();

  const laneFor = ({ version, prompt }: Member): Lane<Member> => {
    const key = version.own === undefined ? version : 'base';
    const byLength = lanes.get(key) ?? new Map<number, Lane<Member>>();
    lanes.set(key, byLength);
    const length = Math.floor(Math.log(Math.max(1, prompt.ids.length / shortPrompt)) / Math.log(4));
    const lane = byLength.get(length) ?? { members: [], cache: makeKeyValueCache({ spec }), run: undefined };
    byLength.set(length, lane);
    return lane;
  };

  return {
    all: () => [...lanes.values()].flatMap((byLength) => [...byLength.values()]),
    enter: (member, keysValues, read) => {
      const lane = laneFor(member);
      lane.cache.add(keysValues, { time: read, sequence: 0, ranges: [[0, read]] });
      lane.members.push(member);
      lane.run = undefined;
    },
    leave: (lane, row) => {
      lane.cache.remove(row);
      lane.members[row] = lane.members.at(-1)!;
      lane.members.pop();
      lane.run = undefined;
    },
    forgetEmpty: () => {
      for (const [key, byLength] of lanes) {
        for (const [length, { members }] of byLength) if (members.length === 0) byLength.delete(length);
        if (byLength.size === 0) lanes.delete(key);
      }
    },
  };
}
