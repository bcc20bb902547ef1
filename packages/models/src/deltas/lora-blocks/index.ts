// Deltas of LoRA blocks: a block that some edits leave, or all of them.

import { z } from 'zod';
import type { DecoderSpec } from '../../architectures/spec.ts';
import type { SafetensorsFile } from '../../files/safetensors.ts';
import { type DeltaKind, malformed, misfit, parseList, parseMetadata } from '../kind.ts';
import {
  type BlockPlace,
  blocksName,
  emptyBlocks,
  type LoraBlock,
  type LoraBlockDelta,
  type LoraBlocks,
} from './blocks.ts';
import { blocksEntry, blocksMemory, blocksTensors, blockTensors, readBlock, readBlocks } from './memory.ts';

const count = z.string().regex(/^\d+$/).transform(Number);
const blockSchema = z.strictObject({ layer: count, key_size: count, targets: z.string(), labels: z.string() });
const wholeSchema = z.strictObject({ memory: z.string() });

const readingOf = (file: SafetensorsFile) => (name: string) => ({
  shape: file.tensors.get(name)?.shape ?? [],
  data: file.read(name),
});

function checkBlock(place: BlockPlace, { rank, radius, points, labels, factors }: LoraBlock): void {
  const where = blocksName(place);
  if (!(rank > 0) || factors.some(({ a, b }) => a.length === 0 || a.length % rank !== 0 || b.length % rank !== 0))
    malformed(where, 'its factors do not have a rank');
  if (labels.length === 0 || points.length !== labels.length * place.keySize)
    malformed(where, 'points and labels do not have the same number of entries');
  if (!(radius >= 0)) malformed(where, 'the radius is negative');
  if (factors.length !== place.targets.length) malformed(where, 'there are not as many factors as targets');
}

function checkPlace(spec: DecoderSpec, place: BlockPlace, blocks: readonly LoraBlock[]): void {
  const where = blocksName(place);
  const { layer, targets, keySize } = place;
  const beyond = [layer, ...targets].find((each) => each >= spec.layers);
  if (beyond !== undefined) misfit(where, `the model has ${spec.layers} layers`);
  if (targets.some((target) => target <= layer)) misfit(where, 'a target is not behind the layer that is looked up');
  if (keySize !== spec.mlpWidth) misfit(where, `points have ${keySize} elements, not ${spec.mlpWidth}`);
  for (const { rank, factors } of blocks)
    for (const { a, b } of factors)
      if (a.length !== rank * spec.width || b.length !== rank * spec.mlpWidth)
        misfit(where, `its factors do not map ${spec.width} to ${spec.mlpWidth}`);
}

export const loraBlock: DeltaKind<LoraBlockDelta, LoraBlocks> = {
  memory: blocksMemory,
  encode: (delta) => ({
    metadata: {
      layer: `${delta.layer}`,
      key_size: `${delta.keySize}`,
      targets: JSON.stringify(delta.targets),
      labels: JSON.stringify(delta.labels),
    },
    tensors: blockTensors(delta, ''),
  }),
  decode: (file, metadata) => {
    const { layer, key_size, ...lists } = parseMetadata(blockSchema, metadata, file.where);
    const targets = parseList(z.int().min(0), lists.targets, file.where, 'targets');
    const labels = parseList(z.string(), lists.labels, file.where, 'labels');
    const block = readBlock(labels, targets, '', readingOf(file));
    return { kind: 'lora_block', layer, keySize: key_size, targets, ...block };
  },
  checkSizes: (delta) => checkBlock(delta, delta),
  checkFit: (spec, delta) => checkPlace(spec, delta, [delta]),
  effect: (delta) => ({
    on: 'memory',
    place: blocksName(delta),
    change: (before = emptyBlocks(delta)) => {
      const { rank, radius, points, labels, factors } = delta;
      return { ...before, blocks: [...before.blocks, { rank, radius, points, labels, factors }] };
    },
  }),
};

export const loraBlocks: DeltaKind<LoraBlocks, LoraBlocks> = {
  memory: blocksMemory,
  encode: (memory) => ({
    metadata: { memory: JSON.stringify(blocksEntry(memory)) },
    tensors: blocksTensors(memory, ''),
  }),
  decode: (file, metadata) => {
    const { memory } = parseMetadata(wholeSchema, metadata, file.where);
    try {
      return readBlocks(JSON.parse(memory), '', readingOf(file));
    } catch (cause) {
      return malformed(file.where, 'what it says of its blocks cannot be read', cause);
    }
  },
  checkSizes: (memory) => {
    for (const block of memory.blocks) checkBlock(memory, block);
  },
  checkFit: (spec, memory) => checkPlace(spec, memory, memory.blocks),
  effect: (memory) => ({ on: 'memory', place: blocksName(memory), change: () => memory }),
};
