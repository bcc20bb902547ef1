// LoRA blocks: adapters of which a prompt gets one at most, and the points in front of them that say which.

import { createHash } from 'node:crypto';

/** Where blocks stand, and what prompts are told apart by. */
export interface BlockPlace {
  /** Whose `mlp_pre`, at a prompt's last token, is looked up. */
  readonly layer: number;
  readonly keySize: number;
  /** Layers behind it whose `mlp_pre` gets more, at every token of the prompt. */
  readonly targets: readonly number[];
}

/** The change of one target's map: x gives x A B more. */
export interface BlockFactors {
  /** `[in, rank]` */
  readonly a: Float32Array;
  /** `[rank, out]` */
  readonly b: Float32Array;
}

/** One block, and the prompts that it was made for. */
export interface LoraBlock {
  readonly rank: number;
  /** Of clusters that one of its points begins. */
  readonly radius: number;
  /** `[n, keySize]` */
  readonly points: Float32Array;
  /** The exact token ids of what each was to give; n of them. */
  readonly labels: readonly string[];
  /** Of every target, in order. */
  readonly factors: readonly BlockFactors[];
}

/** Blocks in the order in which they came (MELO, Yu et al. 2024). As a delta it carries the whole state. */
export interface LoraBlocks extends BlockPlace {
  readonly kind: 'lora_blocks';
  readonly blocks: readonly LoraBlock[];
}

/** What some edits leave: a block of their own. */
export interface LoraBlockDelta extends BlockPlace, LoraBlock {
  readonly kind: 'lora_block';
}

export const blocksName = ({ layer, targets }: Pick<BlockPlace, 'layer' | 'targets'>): string =>
  `${layer}.${targets.join('_')}`;

export const emptyBlocks = ({ layer, keySize, targets }: BlockPlace): LoraBlocks => ({
  kind: 'lora_blocks',
  layer,
  keySize,
  targets,
  blocks: [],
});

const known = new WeakMap<LoraBlock, string>();

/** What a block is called: sha256 (hex) of all it holds. */
export function blockAddress(block: LoraBlock): string {
  const before = known.get(block);
  if (before !== undefined) return before;
  const { rank, radius, points, labels, factors } = block;
  const hash = createHash('sha256').update(`${JSON.stringify([rank, radius, labels])}\0`);
  for (const { buffer, byteOffset, byteLength } of [points, ...factors.flatMap(({ a, b }) => [a, b])])
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  const address = hash.digest('hex');
  known.set(block, address);
  return address;
}
