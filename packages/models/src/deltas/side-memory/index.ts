// Deltas of side memories: what an edit changes of one, or all of it.

import { z } from 'zod';
import { activations } from '../../architectures/blocks/refs.ts';
import { type DecoderSpec, valueMatrix } from '../../architectures/spec.ts';
import { type DeltaKind, malformed, misfit, parseMetadata } from '../kind.ts';
import { readSides, sideEntry, sideMemory, sideTensors } from './memory.ts';
import { changedSides, type SideChangeDelta, type SideMemory, type SidePlace, sideName } from './sides.ts';
import { areGaps, type Sparse } from './sparse.ts';

const count = z.string().regex(/^\d+$/).transform(Number);
const changeSchema = z.strictObject({
  layer: count,
  activation: z.enum(activations),
  in_size: count,
  out_size: count,
  shard: count,
  merged: z.string().regex(/^(\d+( \d+)*)?$/),
  density: z.string(),
});

const wholeSchema = z.strictObject({ memory: z.string() });

function checkMatrix(place: SidePlace, { gaps, values }: Sparse, threshold: number): void {
  const where = sideName(place);
  if (gaps.length !== values.length) malformed(where, 'gaps and values do not have the same number of entries');
  if (!areGaps(gaps, place.inSize * place.outSize))
    malformed(where, 'gaps lead to no place of the matrix, or twice to one');
  if (!(threshold >= 0)) malformed(where, 'the threshold is negative');
}

function checkPlace(spec: DecoderSpec, place: SidePlace): void {
  const where = sideName(place);
  if (place.layer >= spec.layers) misfit(where, `the model has ${spec.layers} layers`);
  const { inSize, outSize } = valueMatrix(spec, place.layer);
  if (place.inSize !== inSize || place.outSize !== outSize)
    misfit(where, `it maps ${place.inSize} to ${place.outSize}, the layer's W_out ${inSize} to ${outSize}`);
}

export const sideChange: DeltaKind<SideChangeDelta, SideMemory> = {
  memory: sideMemory,
  encode: ({ layer, activation, inSize, outSize, shard, gaps, values, threshold, merged, density }) => ({
    metadata: {
      layer: `${layer}`,
      activation,
      in_size: `${inSize}`,
      out_size: `${outSize}`,
      shard: `${shard}`,
      merged: merged.join(' '),
      density: `${density}`,
    },
    tensors: {
      gaps: { shape: [gaps.length], data: gaps },
      values: { shape: [values.length], data: values },
      threshold: { shape: [1], data: Float32Array.of(threshold) },
    },
  }),
  decode: (file, metadata) => {
    const { in_size, out_size, merged, density, ...rest } = parseMetadata(changeSchema, metadata, file.where);
    return {
      kind: 'side_change',
      ...rest,
      inSize: in_size,
      outSize: out_size,
      merged: merged === '' ? [] : merged.split(' ').map(Number),
      density: Number(density),
      gaps: file.read('gaps'),
      values: file.read('values'),
      threshold: file.read('threshold')[0] ?? -1,
    };
  },
  checkSizes: (delta) => {
    checkMatrix(delta, delta, delta.threshold);
    if (!(delta.density > 0 && delta.density <= 1)) malformed(sideName(delta), 'the density is not a share');
  },
  checkFit: checkPlace,
  effect: (delta) => ({ on: 'memory', place: sideName(delta), change: (before) => changedSides(before, delta) }),
};

export const sideMemories: DeltaKind<SideMemory, SideMemory> = {
  memory: sideMemory,
  encode: (memory) => ({
    metadata: { memory: JSON.stringify(sideEntry(memory)) },
    tensors: sideTensors(memory, ''),
  }),
  decode: (file, metadata) => {
    const { memory } = parseMetadata(wholeSchema, metadata, file.where);
    try {
      return readSides(JSON.parse(memory), '', (name) => file.read(name));
    } catch (cause) {
      return malformed(file.where, 'what it says of its sides cannot be read', cause);
    }
  },
  checkSizes: (memory) => {
    for (const side of memory.sides) checkMatrix(memory, side, side.threshold);
  },
  checkFit: checkPlace,
  effect: (memory) => ({ on: 'memory', place: sideName(memory), change: () => memory }),
};
