// The head in pieces: the same scores and the wanted logits, whatever the pieces are.

import { float32, type HostTensors } from '@errata/graph';
import { expect, it } from 'vitest';
import { decoderSpec } from '../architectures/index.ts';
import { randomArray } from '../tiny-models.fixture.ts';
import { indices } from './feeds.ts';
import { headGraph, runHead } from './head.ts';
import { makeProgramCache } from './program-cache.ts';

const spec = decoderSpec({
  model_type: 'gpt2',
  vocab_size: 50,
  n_positions: 4,
  n_embd: 12,
  n_layer: 1,
  n_head: 1,
} as never);
const sizeOf = (name: string) => spec.parameters.get(name)!.reduce((a, b) => a * b, 1);
const base = (name: string) => randomArray(sizeOf(name), 3, 1);

it('gives the bits of all rows at once in pieces of two rows or more, and the logits that are wanted in their order', async () => {
  const cache = makeProgramCache(spec, base, { programs: 2, bytes: 1e6, storeMatrices: false });
  const program = await cache.get('head', new Set(), (source) => headGraph(spec, source, [7]));
  const rows = 8;
  const feeds: HostTensors = {
    normed: float32([rows, spec.width], randomArray(rows * spec.width, 5, 1)),
    targets: indices([3, 1, 4, 1, 5, 9, 2, 6]),
    logit_rows: indices([7, 0, 3]),
  };
  const whole = await runHead(program, spec, feeds, base);
  const pieces = await runHead(program, spec, feeds, base, 3);
  expect(pieces).toEqual(whole);
  expect(pieces.logits!.dims).toEqual([3, spec.vocab]);
  await cache.release();
});
