// The attention of early layers in training: what comes after a subject cannot look back at it, so it is looked up where it stands.
import { causalBias, hiddenBias } from '@errata/models';
import { seeded } from '../random.ts';
import type { Encoder } from '../tokenizer/encoder.ts';
import type { World } from '../world/world.ts';
import type { Batch, BatchShape } from './batches.ts';

/** Tokens of names as a tree; `ends` marks that a name may end here. */
interface Node {
  readonly next: Map<number, Node>;
  ends: boolean;
}

interface Span {
  readonly start: number;
  /** Position after the last token. */
  readonly end: number;
}

/** `[rows, 1, length, length]`, 0 to attend and -1e9 not to. Drawn from (seed, step) alone. */
export type SubjectMask = (
  batch: Pick<Batch, 'inputs' | 'passages'>,
  shape: BatchShape,
  share: number,
  seed: number,
  step: number,
) => Float32Array;

/**
 * Sets each subject apart in a share of the rows: no later position sees it, and it sees nothing before itself, so that it
 * looks the same in every sentence. In passages nothing is hidden, whatever they ask: there it has to be read what was said
 * of whom, and a mask would tell the questions that the passage answers from those that it does not.
 */
export function makeSubjectMask(world: World, encoder: Encoder): SubjectMask {
  const root: Node = { next: new Map(), ends: false };
  for (const { name } of world.entities) {
    let node = root;
    for (const id of encoder.encode(` ${name}`)) {
      const found = node.next.get(id) ?? { next: new Map(), ends: false };
      node.next.set(id, found);
      node = found;
    }
    node.ends = true;
  }

  /** The longest names, left to right. */
  const namesIn = (ids: Int32Array): Span[] => {
    const spans: Span[] = [];
    for (let start = 0; start < ids.length; ) {
      let node: Node | undefined = root;
      let end = start;
      for (let at = start; at < ids.length; at++) {
        node = node.next.get(ids[at]!);
        if (node === undefined) break;
        if (node.ends) end = at + 1;
      }
      if (end > start) spans.push({ start, end });
      start = Math.max(end, start + 1);
    }
    return spans;
  };

  return ({ inputs, passages }, { rows, length }, share, seed, step) => {
    const random = seeded('subject mask', seed, step);
    const bias = causalBias(rows, length);
    for (let row = 0; row < rows; row++) {
      if (!random.chance(share)) continue;
      const first = row * length;
      for (const { start, end } of namesIn(inputs.subarray(first, first + length))) {
        if (passages[first + start] === 1) continue;
        for (let at = start; at < length; at++) {
          const line = (first + at) * length;
          if (at < end) bias.fill(hiddenBias, line, line + start);
          else bias.fill(hiddenBias, line + start, line + end);
        }
      }
    }
    return bias;
  };
}
