// LoRA blocks as a memory: what they add to a version's digest, their part of a snapshot, and their rows.

import { z } from 'zod';
import type { FloatTensor, MemoryKind } from '../kind.ts';
import { blockAddress, blocksName, type LoraBlock, type LoraBlocks } from './blocks.ts';
import { blocksReading } from './reading.ts';

const entrySchema = z.strictObject({
  layer: z.int().min(0),
  key_size: z.int().min(1),
  targets: z.array(z.int().min(0)).min(1),
  blocks: z.array(z.strictObject({ labels: z.array(z.string()).min(1) })),
});

/** What is said of a memory, its arrays apart. */
export const blocksEntry = ({ layer, keySize, targets, blocks }: LoraBlocks): z.output<typeof entrySchema> => ({
  layer,
  key_size: keySize,
  targets: [...targets],
  blocks: blocks.map(({ labels }) => ({ labels: [...labels] })),
});

/** The arrays of a block, by names that begin with a prefix. */
export function blockTensors({ points, labels, radius, rank, factors }: LoraBlock, prefix: string) {
  const tensors: Record<string, FloatTensor> = {
    [`${prefix}points`]: { shape: [labels.length, points.length / labels.length], data: points },
    [`${prefix}radius`]: { shape: [1], data: Float32Array.of(radius) },
  };
  for (const [i, { a, b }] of factors.entries()) {
    tensors[`${prefix}a.${i}`] = { shape: [a.length / rank, rank], data: a };
    tensors[`${prefix}b.${i}`] = { shape: [rank, b.length / rank], data: b };
  }
  return tensors;
}

/** Reads those. */
export function readBlock(
  labels: readonly string[],
  targets: readonly number[],
  prefix: string,
  read: (name: string) => FloatTensor,
): LoraBlock {
  const part = (name: string) => read(`${prefix}${name}`);
  return {
    rank: part('b.0').shape[0] ?? 0,
    radius: part('radius').data[0] ?? -1,
    points: part('points').data,
    labels,
    factors: targets.map((_, i) => ({ a: part(`a.${i}`).data, b: part(`b.${i}`).data })),
  };
}

/** Reads a whole memory. @throws ZodError where the entry is malformed */
export function readBlocks(entry: unknown, prefix: string, read: (name: string) => FloatTensor): LoraBlocks {
  const { layer, key_size, targets, blocks } = entrySchema.parse(entry);
  return {
    kind: 'lora_blocks',
    layer,
    keySize: key_size,
    targets,
    blocks: blocks.map(({ labels }, i) => readBlock(labels, targets, `${prefix}${i}.`, read)),
  };
}

export const blocksTensors = ({ blocks }: LoraBlocks, prefix: string) =>
  Object.assign({}, ...blocks.map((block, i) => blockTensors(block, `${prefix}${i}.`))) as Record<string, FloatTensor>;

const addresses = ({ blocks }: LoraBlocks) => blocks.map(blockAddress);

export const blocksMemory: MemoryKind<LoraBlocks> = {
  name: 'lora_blocks',
  title: ['LoRA blocks', 'sets of LoRA blocks'],
  hash: (memory, update) => update(`blocks ${blocksName(memory)} ${addresses(memory).join(' ')}\0`),
  rows: addresses,
  snapshot: {
    field: 'lora_blocks',
    encode: (memory) => ({ entry: blocksEntry(memory), tensors: blocksTensors(memory, `${blocksName(memory)}.`) }),
    decode: (entry, read) => readBlocks(entry, `${blocksName(entrySchema.parse(entry))}.`, read),
  },
  answers: true,
  reading: blocksReading,
};
