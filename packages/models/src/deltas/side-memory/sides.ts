// Side memories: matrices beside a layer's W_out, each with the activation difference from which on it is read, and what edits change of them.

import type { Activation } from '../../architectures/blocks/refs.ts';
import { mergeByTies, type Sparse, sumOf } from './sparse.ts';

/** Where side matrices stand. */
export interface SidePlace {
  readonly layer: number;
  /** Of what outputs are compared after: the activation function of the model's MLPs. */
  readonly activation: Activation;
  /** Elements of W_out's input, and of its output. */
  readonly inSize: number;
  readonly outSize: number;
}

/** What edits of one shard have changed of W_out: x (W_out + Δ) is what the side matrix puts out. */
export interface Side extends Sparse {
  readonly shard: number;
  /** How many edits are in it. */
  readonly edits: number;
  /** Queries whose outputs differ by more than this, ||f(x (W_out + Δ)) - f(x W_out)||, are answered by it. */
  readonly threshold: number;
}

/** Side memories of a layer as a version has them (WISE, Wang et al. 2024). As a delta it carries the whole state. */
export interface SideMemory extends SidePlace {
  readonly kind: 'side_memory';
  readonly sides: readonly Side[];
}

/** What one edit changes of the side memory before it. */
export interface SideChangeDelta extends SidePlace, Sparse {
  readonly kind: 'side_change';
  /** The shard that the edit belongs to; there need be none yet. */
  readonly shard: number;
  /** That of the edit: the least of a shard's holds. */
  readonly threshold: number;
  /** The shards that become one, of the name of the last, once the edit is in; none mostly. */
  readonly merged: readonly number[];
  /** Of TIES. */
  readonly density: number;
}

export const sideName = ({ layer, activation }: Pick<SidePlace, 'layer' | 'activation'>): string =>
  `${layer}.${activation}`;

/** The memory that an edit makes of the one before it. */
export function changedSides(before: SideMemory | undefined, delta: SideChangeDelta): SideMemory {
  const { layer, activation, inSize, outSize, shard, gaps, values, threshold, merged, density } = delta;
  const sides = before?.sides ?? [];
  const own = sides.find((side) => side.shard === shard);
  const changed: Side =
    own === undefined
      ? { shard, edits: 1, threshold, gaps, values }
      : {
          shard,
          edits: own.edits + 1,
          threshold: Math.min(own.threshold, threshold),
          ...sumOf(own, { gaps, values }),
        };
  const all = own === undefined ? [...sides, changed] : sides.map((side) => (side === own ? changed : side));
  const joining = all.filter((side) => merged.includes(side.shard));
  const kept = all.filter((side) => !joining.includes(side));
  const one: readonly Side[] =
    joining.length === 0
      ? []
      : [
          {
            shard: joining.at(-1)!.shard,
            edits: joining.reduce((sum, { edits }) => sum + edits, 0),
            threshold: Math.min(...joining.map((side) => side.threshold)),
            ...mergeByTies(joining, inSize * outSize, density),
          },
        ];
  return { kind: 'side_memory', layer, activation, inSize, outSize, sides: [...kept, ...one] };
}
