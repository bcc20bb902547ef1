// The side memory as a memory: what it adds to a version's digest, its part of a snapshot, and its rows.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { activations } from '../../architectures/blocks/refs.ts';
import type { MemoryKind } from '../kind.ts';
import { sideReading } from './routing.ts';
import { type Side, type SideMemory, sideName } from './sides.ts';

const placeSchema = z.strictObject({
  layer: z.int().min(0),
  activation: z.enum(activations),
  in_size: z.int().min(1),
  out_size: z.int().min(1),
});

const entrySchema = placeSchema.extend({
  sides: z.array(z.strictObject({ shard: z.int().min(0), edits: z.int().min(1) })),
});

/** What is said of a memory, its arrays apart. */
export const sideEntry = ({ layer, activation, inSize, outSize, sides }: SideMemory): z.output<typeof entrySchema> => ({
  layer,
  activation,
  in_size: inSize,
  out_size: outSize,
  sides: sides.map(({ shard, edits }) => ({ shard, edits })),
});

/** The arrays of its sides, by names that begin with a prefix. */
export const sideTensors = ({ sides }: SideMemory, prefix: string) =>
  Object.fromEntries(
    sides.flatMap(({ shard, gaps, values, threshold }) => [
      [`${prefix}${shard}.gaps`, { shape: [gaps.length], data: gaps }],
      [`${prefix}${shard}.values`, { shape: [values.length], data: values }],
      [`${prefix}${shard}.threshold`, { shape: [1], data: Float32Array.of(threshold) }],
    ]),
  );

/** Reads both. @throws ZodError where the entry is malformed */
export function readSides(entry: unknown, prefix: string, read: (name: string) => Float32Array): SideMemory {
  const { layer, activation, in_size: inSize, out_size: outSize, sides } = entrySchema.parse(entry);
  return {
    kind: 'side_memory',
    layer,
    activation,
    inSize,
    outSize,
    sides: sides.map(({ shard, edits }) => {
      const part = (name: string) => read(`${prefix}${shard}.${name}`);
      return { shard, edits, gaps: part('gaps'), values: part('values'), threshold: part('threshold')[0] ?? 0 };
    }),
  };
}

function addressOf({ shard, threshold, gaps, values }: Side): string {
  const hash = createHash('sha256').update(`${shard} ${threshold}\0`);
  for (const { buffer, byteOffset, byteLength } of [gaps, values])
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex');
}

export const sideMemory: MemoryKind<SideMemory> = {
  name: 'side_memory',
  title: ['a side memory', 'side memories'],
  hash: (memory, update) => {
    update(`side ${JSON.stringify(sideEntry(memory))}\0`);
    for (const { data } of Object.values(sideTensors(memory, ''))) update(data);
  },
  rows: ({ sides }) => sides.map(addressOf),
  rowNames: ({ sides }) => sides.map(({ shard }) => `shard ${shard}`),
  snapshot: {
    field: 'side_memories',
    encode: (memory) => ({ entry: sideEntry(memory), tensors: sideTensors(memory, `${sideName(memory)}.`) }),
    decode: (entry, read) => {
      const { layer, activation } = entrySchema.parse(entry);
      return readSides(entry, `${sideName({ layer, activation })}.`, (name) => read(name).data);
    },
  },
  answers: true,
  reading: sideReading,
};
