// Keys and values of what was read before, kept within a budget: a prompt that begins as an earlier text did goes on from there.

import { float32Data, type HostTensors } from '@errata/graph';

/** A text that was read: keys and values of its tokens, as a run of that one sequence gives them. */
export interface ReadText {
  readonly ids: readonly number[];
  readonly keysValues: HostTensors;
}

/** What is kept of texts that versions have read. A version is known by identity, and what is kept of it goes with it. */
export interface PrefixCache {
  /** The text that agrees with one from its beginning the furthest, and how many tokens; undefined where too few do to be worth it. */
  readonly longest: (
    version: object,
    ids: readonly number[],
  ) => { readonly text: ReadText; readonly length: number } | undefined;
  /** Keeps a text, in place of those that it goes on from; the least recently used go where there is no room. */
  readonly put: (version: object, text: ReadText) => void;
  /** Bytes that are kept. */
  readonly bytes: () => number;
}

/** Fewer tokens are read again sooner than found. */
const fewest = 4;

export function makePrefixCache(budget: number): PrefixCache {
  interface Kept extends ReadText {
    readonly bytes: number;
    readonly among: Set<Kept>;
  }
  const byVersion = new WeakMap<object, Set<Kept>>();
  /** In order of use. */
  const all = new Set<Kept>();
  let held = 0;

  const drop = (text: Kept) => {
    all.delete(text);
    text.among.delete(text);
    held -= text.bytes;
  };

  return {
    longest: (version, ids) => {
      let found: { text: Kept; length: number } | undefined;
      for (const text of byVersion.get(version) ?? []) {
        const length = agreement(text.ids, ids);
        if (length >= fewest && length > (found?.length ?? 0)) found = { text, length };
      }
      if (found !== undefined) {
        all.delete(found.text);
        all.add(found.text);
      }
      return found;
    },
    put: (version, { ids, keysValues }) => {
      const bytes = Object.values(keysValues).reduce((sum, tensor) => sum + float32Data(tensor).byteLength, 0);
      if (bytes > budget || ids.length < fewest) return;
      const among = byVersion.get(version) ?? new Set<Kept>();
      byVersion.set(version, among);
      for (const text of among) {
        const length = agreement(text.ids, ids);
        if (length === ids.length) return;
        if (length === text.ids.length) drop(text);
      }
      const kept = { ids, keysValues, bytes, among };
      among.add(kept);
      all.add(kept);
      held += bytes;
      for (const text of all) {
        if (held <= budget) break;
        drop(text);
      }
    },
    bytes: () => held,
  };
}

/** Tokens that two texts begin with alike. */
function agreement(one: readonly number[], other: readonly number[]): number {
  const most = Math.min(one.length, other.length);
  let length = 0;
  while (length < most && one[length] === other[length]) length++;
  return length;
}
