// Batches: ragged sequences of tokens laid out as right-padded rectangles of bounded size.

import type { DecoderSpec } from '../architectures/spec.ts';
import { ModelError } from '../errors.ts';

/** Sequences that run together. */
export interface Batch {
  /** Index of each row's sequence in the list that was packed. */
  readonly members: readonly number[];
  readonly batch: number;
  /** Length of the longest, or what it was rounded up to. */
  readonly time: number;
  /** `[batch*time]`; padding is token 0, after the end, where causal attention never looks. */
  readonly ids: Int32Array;
  /** `[batch*time]` */
  readonly positions: Int32Array;
}

/**
 * Checks sequences against the model.
 * @throws ModelError sequence_empty, sequence_too_long, sequence_id_unknown
 */
export function checkSequences(
  spec: Pick<DecoderSpec, 'context' | 'vocab'>,
  sequences: readonly (readonly number[])[],
): void {
  for (const [index, sequence] of sequences.entries()) {
    const where = `sequence ${index}`;
    if (sequence.length === 0)
      throw new ModelError('sequence_empty', { where, what: 'it has no tokens', hint: 'Give at least one token' });
    if (sequence.length > spec.context)
      throw new ModelError('sequence_too_long', {
        where,
        what: `it has ${sequence.length} tokens, the model holds ${spec.context}`,
        hint: 'Shorten the text',
      });
    const unknown = sequence.find((id) => !Number.isInteger(id) || id < 0 || id >= spec.vocab);
    if (unknown !== undefined)
      throw new ModelError('sequence_id_unknown', {
        where,
        what: `token ${unknown} is outside the vocabulary of ${spec.vocab}`,
        hint: 'Use the tokenizer that belongs to the model',
      });
  }
}

/** Lays sequences out as one batch, whose length is a multiple of so many tokens. */
export function layOutBatch(
  sequences: readonly (readonly number[])[],
  members: readonly number[],
  multiple = 1,
): Batch {
  const longest = Math.max(...members.map((member) => sequences[member]!.length));
  const time = multiple * Math.ceil(longest / multiple);
  const ids = new Int32Array(members.length * time);
  const positions = new Int32Array(members.length * time);
  for (const [row, member] of members.entries()) {
    ids.set(sequences[member]!, row * time);
    // What the length is rounded up by has no position that a table need not have.
    for (let t = 0; t < longest; t++) positions[row * time + t] = t;
  }
  return { members, batch: members.length, time, ids, positions };
}

/**
 * Packs sequences into batches, like lengths together, each of at most `budget` positions unless one sequence alone is longer.
 * @param cost what a sequence adds beside its padded length, for instance rows of logits
 */
export function packBatches(
  sequences: readonly (readonly number[])[],
  budget: number,
  cost: (member: number) => number = () => 0,
): readonly Batch[] {
  const order = sequences.map((_, i) => i).sort((a, b) => sequences[b]!.length - sequences[a]!.length || a - b);
  const groups: number[][] = [];
  let spent = Number.POSITIVE_INFINITY;
  for (const member of order) {
    const group = groups.at(-1);
    const longest = group ? sequences[group[0]!]!.length : sequences[member]!.length;
    const price = longest + cost(member);
    if (!group || spent + price > budget) {
      groups.push([member]);
      spent = sequences[member]!.length + cost(member);
    } else {
      group.push(member);
      spent += price;
    }
  }
  return groups.map((members) => layOutBatch(sequences, members));
}
