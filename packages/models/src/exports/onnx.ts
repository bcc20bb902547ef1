// A version as an ONNX graph of standard operators: logits of every position from token ids.

import { closeSync, fsyncSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  cast,
  constant,
  emitOnnx,
  expand,
  input,
  lessOrEqual,
  reshape,
  scalar,
  slice,
  type Tensor,
  where,
} from '@errata/graph';
import { buildDecoder } from '../architectures/decoder.ts';
import type { Tap } from '../architectures/decoder-graph.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import { constantNeurons } from '../deltas/neurons.ts';
import { hidden } from '../running/masks.ts';
import type { WeightSource } from '../running/program-cache.ts';
import type { View } from '../running/view.ts';
import { type ExportForm, refuseExport } from './form.ts';

const dataFile = 'model.onnx.data';

export const onnxForm: ExportForm = {
  holds: ['neurons'],
  write(directory, { model: { spec }, view }) {
    if (spec.over)
      refuseExport(
        'the version',
        'an encoder reads its prompts, and a graph is written of a decoder by itself',
        'Export it as a checkpoint, an adapter or a diff',
      );
    const weights = new Map<string, Tensor>();
    const weight: WeightSource = (name) => {
      const known = weights.get(name) ?? constant('float32', spec.parameters.get(name)!, view.weight(name), name);
      weights.set(name, known);
      return known;
    };
    const { bytes, weights: data } = emitOnnx({ logits: logitsOf(spec, weight, tapOf(view)) }, { dataFile });
    writeFileSync(join(directory, 'model.onnx'), bytes, { flush: true });
    const descriptor = openSync(join(directory, dataFile), 'wx');
    try {
      for (const { offset, data: part } of data)
        for (let done = 0; done < part.byteLength; )
          done += writeSync(descriptor, part, done, Math.min(part.byteLength - done, 1 << 30), offset + done);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    return {
      remarks: [
        `Input input_ids [batch, sequence] int64, of ${spec.context} tokens at most; output logits [batch, sequence, ${spec.vocab}]. Shorter texts of a batch are filled up at their end`,
      ],
    };
  },
};

/** Adds what the extra neurons of a version put out. */
function tapOf({ memories }: View): Tap {
  const taps = [...memories.values()].flatMap((memory) => (memory.kind === 'neurons' ? [constantNeurons(memory)] : []));
  return (site, layer, x) => taps.reduce((value, tap) => tap(site, layer, value), x);
}

/** `logits` `[batch, sequence, vocab]` of `input_ids` `[batch, sequence]`: positions from 0, each attending to itself and those before it. */
function logitsOf(spec: DecoderSpec, weight: WeightSource, tap: Tap): Tensor {
  const [batch, time] = ['batch', 'sequence'];
  const ids = reshape(input('input_ids', 'int64', [batch, time]), [`${batch}*${time}`]);
  const counted = Float32Array.from({ length: spec.context }, (_, position) => position);
  const places = slice(constant('float32', [spec.context], counted, 'places'), 0, 0, time);
  const positions = reshape(cast(expand(reshape(places, [1, time]), [batch, time]), 'int32'), [`${batch}*${time}`]);
  const earlier = lessOrEqual(reshape(places, [1, 1, 1, time]), reshape(places, [1, 1, time, 1]));
  const graph = buildDecoder(spec, {
    batch,
    time,
    start: { kind: 'ids', ids },
    positions,
    bias: expand(where(earlier, scalar(0, 'float32'), hidden), [batch, 1, time, time]),
    weight,
    tap,
  });
  return reshape(graph.logits(), [batch, time, spec.vocab]);
}
