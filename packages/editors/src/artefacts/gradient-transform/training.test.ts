// Training a gradient transform against a transcription in PyTorch (test/oracles/editors/mend.py): losses, gradients, counts, a step.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadCheckpoint, openModel, openSafetensors } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { decodeTransform, transformFor } from '../../hypernetworks/file.ts';
import type { DrawnRecord } from '../../training/records.ts';
import { transformTraining } from './request.ts';
import { transformOptimizers, transformStepper } from './train.ts';

const folder = fileURLToPath(new URL('../../fixtures/oracle/', import.meta.url));
const file = openSafetensors(join(folder, 'mend-training.safetensors'));
const told = <T>(name: string) => JSON.parse(file.metadata.get(name)!) as T;
const batch = told<readonly DrawnRecord[]>('batch');

/** ||a - b|| / ||b||. */
function apart(a: Float32Array, b: Float32Array): number {
  const norm = (x: Float32Array) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
  return norm(a.map((v, i) => v - b[i]!)) / norm(b);
}

describe.each(['gpt2', 'llama'])('a gradient transform for %s', (name) => {
  it.each([1, 3])('takes the step that the transcription takes, %i edits an update', async (edits_per_update) => {
    const checkpoint = await loadCheckpoint(join(folder, name));
    const model = openModel(checkpoint);
    checkpoint.close();
    const stored = decodeTransform(readFileSync(join(folder, name, 'gradient-transform.safetensors')));
    const { spec, weights } = transformFor(stored, model.spec);
    const settings = transformTraining({ ...told<object>('settings'), edits_per_update });
    const { terms, gradients } = await transformStepper({ model, spec, settings })(weights, batch);
    const read = (what: string) => file.read(`${name} ${edits_per_update}/${what}`);

    const losses = told<Record<string, Record<string, number>>>('losses')[`${name} ${edits_per_update}`]!;
    for (const [term, loss] of Object.entries(losses)) expect(terms[term]! / loss, term).toBeCloseTo(1, 4);
    for (const counted of spec.statistics.keys())
      expect(apart(weights.get(counted)!, read(`counted ${counted}`)), counted).toBeLessThan(1e-5);
    expect([...gradients.keys()]).toEqual([...spec.parameters.keys()]);
    for (const [parameter, gradient] of gradients)
      expect(apart(gradient, read(`gradient ${parameter}`)), parameter).toBeLessThan(1e-4);

    await transformOptimizers(settings).step(weights, gradients, 0);
    for (const parameter of spec.parameters.keys()) {
      const [slopes, after] = [read(`gradient ${parameter}`), read(`after ${parameter}`)];
      // Adam's first step has one size, whatever the gradient's: where that is rounding, so is the direction.
      for (const [i, value] of weights.get(parameter)!.entries())
        if (Math.abs(slopes[i]!) > 1e-5) expect(Math.abs(value - after[i]!), `${parameter} ${i}`).toBeLessThan(1e-5);
    }
    await model.release();
  });
});
