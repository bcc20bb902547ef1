// Training an alignment against a transcription in PyTorch (test/oracles/editors/lte.py): losses and gradients of a step.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeChange, loadCheckpoint, openModel, openSafetensors } from '@errata/models';
import { describe, expect, it } from 'vitest';
import type { DrawnRecord } from '../../training/records.ts';
import { alignmentTraining } from './request.ts';
import { alignmentAdapters, alignmentStepper } from './train.ts';

const folder = fileURLToPath(new URL('../../fixtures/oracle/', import.meta.url));
const file = openSafetensors(join(folder, 'lte-training.safetensors'));
const told = <T>(name: string) => JSON.parse(file.metadata.get(name)!) as T;

describe.each(['gpt2', 'llama'])('an alignment of %s', (name) => {
  it('has its losses and their gradients, of every map of queries, keys and values', async () => {
    const checkpoint = await loadCheckpoint(join(folder, name));
    const model = openModel(checkpoint);
    checkpoint.close();
    const settings = alignmentTraining(told('settings'));
    const adapters = alignmentAdapters(model, settings);
    const weights = new Map(adapters.parameters.map(({ name: own }) => [own, file.read(`${name}/${own}`)]));
    const { terms, gradients } = await alignmentStepper({ model, settings }, adapters)(
      weights,
      told<readonly DrawnRecord[]>('batch'),
    );
    for (const [term, value] of Object.entries(told<Record<string, Record<string, number>>>('losses')[name]!))
      expect(terms[term as keyof typeof terms], term).toBeCloseTo(value, 4);
    expect(gradients.size).toBe(adapters.parameters.length);
    for (const [parameter, gradient] of gradients) {
      const theirs = file.read(`${name}/gradient ${parameter}`);
      const norm = (x: Float32Array) => Math.hypot(...x);
      expect(norm(gradient.map((v, i) => v - theirs[i]!)) / norm(theirs), parameter).toBeLessThan(1e-4);
    }
  });
});

it('is stored as a change of weights, in what the editor names it by', () => {
  const { model, deltas } = decodeChange(readFileSync(join(folder, 'gpt2', 'alignment.safetensors')));
  expect([model, deltas.map(({ kind }) => kind)]).toEqual(['gpt2', ['low_rank']]);
});
