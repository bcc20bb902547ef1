// The attention of early layers in training: what comes after a subject cannot look back at it, so it is looked up where it stands.
import { causalBias, hiddenBias } from '@errata/models';
import { seeded } from '../random.ts';
import type { Encoder } from '../tokenizer/encoder.ts';
import type { World } from '../world/world.ts';
import type { BatchShape } from './batches.ts';

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
  inputs: Int32Array,
  shape: BatchShape,
  share: number,
  seed: number,
  step: number,
) => Float32Array;

/**
 * Hides each subject from all later positions, in a share of the rows. A subject that a document names more than once stays
 * visible: there the document itself may say the answer, and it has to be read.
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

  /** The longest names in ids[from, to), left to right. */
  const namesIn = (ids: Int32Array, from: number, to: number): Span[] => {
    const spans: Span[] = [];
    for (let start = from; start < to; ) {
      let node: Node | undefined = root;
      let end = start;
      for (let at = start; at < to; at++) {
        node = node.next.get(ids[at]!);
        if (node === undefined) break;
        if (node.ends) end = at + 1;
      }
      if (end > start) spans.push({ start, end });
      start = Math.max(end, start + 1);
    }
    return spans;
  };

  return (inputs, { rows, length }, share, seed, step) => {
    const random = seeded('subject mask', seed, step);
    const bias = causalBias(rows, length);
    for (let row = 0; row < rows; row++) {
      if (!random.chance(share)) continue;
      const ids = inputs.subarray(row * length, (row + 1) * length);
      for (let from = 0; from < length; ) {
        const end = ids.indexOf(encoder.endOfTextId, from);
        const to = end === -1 ? length : end;
        const spans = namesIn(ids, from, to);
        const named = new Map<string, number>();
        const nameOf = (span: Span) => ids.subarray(span.start, span.end).join();
        for (const span of spans) named.set(nameOf(span), (named.get(nameOf(span)) ?? 0) + 1);
        for (const span of spans) {
          if (named.get(nameOf(span)) !== 1) continue;
          for (let at = span.end; at < length; at++) {
            const line = (row * length + at) * length;
            bias.fill(hiddenBias, line + span.start, line + span.end);
          }
        }
        from = to + 1;
      }
    }
    return bias;
  };
}
