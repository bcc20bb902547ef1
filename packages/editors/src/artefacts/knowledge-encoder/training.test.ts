// Training a knowledge encoder against a transcription in PyTorch (test/oracles/editors/recipe.py): forward passes, losses, gradients, a step.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { adamW } from '@errata/graph';
import {
  decodeKnowledgeEncoder,
  loadCheckpoint,
  openKnowledgeEncoder,
  openModel,
  openSafetensors,
} from '@errata/models';
import { describe, expect, it } from 'vitest';
import type { DrawnRecord } from '../../training/records.ts';
import { type KnowledgeEncoderFields, trainingSettings } from './request.ts';
import { stepper } from './train.ts';

const folder = fileURLToPath(new URL('../../fixtures/oracle/', import.meta.url));
const file = openSafetensors(join(folder, 'recipe-training.safetensors'));
const told = <T>(name: string) => JSON.parse(file.metadata.get(name)!) as T;
const batch = told<readonly DrawnRecord[]>('batch');

async function open(name: string, fields: KnowledgeEncoderFields = {}) {
  const checkpoint = await loadCheckpoint(join(folder, name));
  const model = openModel(checkpoint);
  checkpoint.close();
  const stored = decodeKnowledgeEncoder(readFileSync(join(folder, name, 'knowledge-encoder.safetensors')));
  const initial = { ...stored, weights: new Map(stored.weights), encoder: null };
  const settings = trainingSettings(stored.spec.promptTokens, {
    batch_size: batch.length,
    edit_batch_size: told<number>('edits'),
    ...fields,
  });
  return { model, stored, weights: initial.weights, take: stepper({ model, initial, settings }) };
}

/** ||a - b|| / (||b|| + 1e-2): of what is nothing but rounding, as the gradients of biases of keys are, as much as of the rest. */
function apart(a: Float32Array, b: Float32Array): number {
  const norm = (x: Float32Array) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
  return norm(a.map((v, i) => v - b[i]!)) / (norm(b) + 1e-2);
}

describe.each(['gpt2', 'llama'])('a knowledge encoder for %s', (name) => {
  it('reads statements and queries, and its sentinel, as the transcription does', async () => {
    const { model, stored } = await open(name);
    const encoder = openKnowledgeEncoder(stored, model);
    const read = (part: string) => file.read(`${name}/${part}`);
    const { representations } = await encoder.statements(batch.map(({ statement }) => statement));
    expect(apart(representations, read('statements'))).toBeLessThan(1e-5);
    expect(apart(await encoder.sentinel(), read('sentinel'))).toBeLessThan(1e-5);
    const asked = (own: boolean) =>
      batch.map(({ reliability, generality, ownFirst }) => (ownFirst === own ? reliability : generality).query);
    const queries = await encoder.queries([
      ...asked(true),
      ...asked(false),
      ...batch.map(({ locality }) => locality.query),
    ]);
    expect(apart(queries, read('queries'))).toBeLessThan(1e-5);
  });

  it('has its losses and their gradients, through the frozen model into every module', async () => {
    const { take, weights, stored } = await open(name);
    const { terms, gradients } = await take(weights, batch);
    for (const [term, value] of Object.entries(told<Record<string, Record<string, number>>>('losses')[name]!))
      expect(terms[term as keyof typeof terms], term).toBeCloseTo(value, 4);
    expect([...gradients.keys()].sort()).toEqual([...stored.spec.parameters.keys()].sort());
    for (const [parameter, gradient] of gradients)
      expect(apart(gradient, file.read(`${name}/gradient ${parameter}`)), parameter).toBeLessThan(1e-3);
  });

  it('weighs its contrastive losses, and does without the others where it is told to', async () => {
    const { take, weights } = await open(name, { contrastive_weight: 3 });
    const [whole, alone] = [await take(weights, batch), await take(weights, batch, 0)];
    const sum = (terms: readonly (number | undefined)[]) => terms.reduce<number>((total, term) => total + term!, 0);
    const { query_knowledge, sentinel, sentinel_locality, reliability, generality, locality, loss } = whole.terms;
    const contrastive = 3 * sum([query_knowledge, sentinel, sentinel_locality]);
    expect(loss).toBeCloseTo(contrastive + sum([reliability, generality, locality]), 3);
    expect(alone.terms.loss).toBeCloseTo(contrastive, 3);
    expect(alone.terms).not.toHaveProperty('reliability');
    expect(alone.gradients.get('prompt.out.weight')!.every((slope) => slope === 0)).toBe(true);
    expect(apart(alone.gradients.get('query.in.weight')!, whole.gradients.get('query.in.weight')!)).toBeLessThan(1e-4);
  });

  it('takes the step that Adam takes', async () => {
    const { take, weights } = await open(name);
    const { gradients } = await take(weights, batch);
    await adamW().step(weights, gradients, told('rate'));
    let compared = 0;
    for (const [parameter, values] of weights) {
      const slope = file.read(`${name}/gradient ${parameter}`);
      const after = file.read(`${name}/after ${parameter}`);
      for (const [i, value] of values.entries()) {
        // Adam's first step has one size, whatever the gradient's: where that is rounding, so is the direction.
        if (Math.abs(slope[i]!) < 1e-4) continue;
        compared++;
        expect(Math.abs(value - after[i]!), `${parameter} ${i}`).toBeLessThan(1e-4);
      }
    }
    expect(compared).toBeGreaterThan(2000);
  });
});
