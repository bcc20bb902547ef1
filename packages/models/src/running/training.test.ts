// Gradients of whole transformers against torch.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkParameters, decoderSpec } from '../architectures/index.ts';
import { loadCheckpoint } from '../files/checkpoint.ts';
import { tinyModels } from '../tiny-models.fixture.ts';
import { trainingProgram } from './training.ts';

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;

interface Expected {
  readonly training: { readonly ids: number[][]; readonly loss: number; readonly gradients: Record<string, number[]> };
}

async function step(name: string) {
  const checkpoint = await loadCheckpoint(fixture(name));
  const spec = decoderSpec(checkpoint.config, checkpoint.tensors.names);
  checkParameters(spec, (tensor) =>
    checkpoint.tensors.has(tensor) ? checkpoint.tensors.info(tensor).shape : undefined,
  );
  const weights = new Map([...spec.parameters.keys()].map((tensor) => [tensor, checkpoint.tensors.read(tensor)]));
  checkpoint.close();
  const { training } = JSON.parse(readFileSync(`${fixture(name)}/expected.json`, 'utf8')) as Expected;
  const [batch, time] = [training.ids.length, training.ids[0]!.length];
  const program = await trainingProgram(spec, { batch, time });
  const rows = training.ids.flatMap((_, b) => Array.from({ length: time - 1 }, (_, t) => b * time + t));
  const result = await program.step(weights, {
    ids: Int32Array.from(training.ids.flat()),
    rows: Int32Array.from(rows),
    targets: Int32Array.from(rows, (row) => training.ids.flat()[row + 1]!),
    rowWeights: new Float32Array(rows.length).fill(1 / rows.length),
  });
  await program.release();
  return { spec, result, expected: training };
}

describe('training step', () => {
  for (const name of tinyModels) {
    it(`has the loss and gradients of torch: ${name}`, async () => {
      const { spec, result, expected } = await step(name);
      expect(result.loss).toBeCloseTo(expected.loss, 5);
      expect([...result.gradients.keys()]).toEqual([...spec.parameters.keys()]);
      for (const [tensor, values] of Object.entries(expected.gradients)) {
        const got = result.gradients.get(tensor)!;
        const scale = Math.max(...values.map(Math.abs));
        const worst = Math.max(...values.map((v, i) => Math.abs(v - got[i]!)));
        expect(got.length, tensor).toBe(values.length);
        expect(worst / scale, tensor).toBeLessThan(1e-4);
      }
    });
  }
});
