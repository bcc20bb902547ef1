// Training a counterfactual model against a transcription in PyTorch (test/oracles/editors/serac.py): forward passes, losses, gradients, a step.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { adamW } from '@errata/graph';
import {
  decodeCounterfactual,
  encodePrompt,
  loadCheckpoint,
  openCounterfactual,
  openModel,
  openSafetensors,
} from '@errata/models';
import { describe, expect, it } from 'vitest';
import { trainingSettings } from './request.ts';
import { type ScopedRecord, stepper } from './train.ts';

const folder = fileURLToPath(new URL('../../fixtures/oracle/', import.meta.url));
const file = openSafetensors(join(folder, 'serac-training.safetensors'));
const told = <T>(name: string) => JSON.parse(file.metadata.get(name)!) as T;
const batch = told<readonly ScopedRecord[]>('batch');
const correctionOf = ({ statement, reliability: { query } }: ScopedRecord) => ({
  prompt: query,
  target: statement.slice(query.length),
});

async function open(name: string) {
  const checkpoint = await loadCheckpoint(join(folder, name));
  const model = openModel(checkpoint);
  checkpoint.close();
  const bytes = readFileSync(join(folder, name, 'counterfactual-model.safetensors'));
  const stored = decodeCounterfactual(bytes);
  const initial = { ...stored, weights: new Map(stored.weights), encoder: null };
  const settings = { ...trainingSettings(model.spec.width, {}), template: stored.template, batch_size: batch.length };
  return { model, bytes, stored, weights: initial.weights, take: stepper({ model, initial, settings }) };
}

/** ||a - b|| / (||b|| + 1e-2): of what is nothing but rounding, as the gradients of biases of keys are, as much as of the rest. */
function apart(a: Float32Array, b: Float32Array): number {
  const norm = (x: Float32Array) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
  return norm(a.map((v, i) => v - b[i]!)) / (norm(b) + 1e-2);
}

describe.each(['gpt2', 'llama'])('a counterfactual model for %s', (name) => {
  const read = (part: string) => file.read(`${name}/${part}`);

  it('reads corrections, queries and pairs of them, and answers, as the transcription does', async () => {
    const { model, bytes, stored } = await open(name);
    const opened = openCounterfactual(stored, model);
    expect(apart(await opened.edits(batch.map(correctionOf)), read('corrections'))).toBeLessThan(1e-5);
    const inside = batch.map(({ ownFirst, reliability, generality }) => (ownFirst ? reliability : generality).query);
    const queries = [...inside, ...batch.map(({ locality }) => locality.query)];
    const vectors = await Promise.all(queries.map(opened.query));
    expect(apart(Float32Array.from(vectors.flatMap((one) => [...one])), read('queries'))).toBeLessThan(1e-5);
    const pairs = [...queries, ...inside.slice(1), inside[0]!].map((query, at) =>
      opened.pairs([correctionOf(batch[at % batch.length]!)], query),
    );
    expect(apart(Float32Array.from((await Promise.all(pairs)).map(([one]) => one!)), read('pairs'))).toBeLessThan(1e-5);

    const encoder = 'e'.repeat(64);
    model.contents.lend(encoder, bytes);
    const [first] = batch as [ScopedRecord];
    const row = { encoder, ...correctionOf(first), classifier: 'vectors', candidates: 1, threshold: 0 } as const;
    const view = model.view([{ kind: 'scoped_rows', rows: [{ ...row, vector: await opened.edits([row]) }] }]);
    const [logits] = await view.nextLogits([encodePrompt(model.tokenizer!, first.generality.query)]);
    expect(apart(logits!, read('logits'))).toBeLessThan(1e-5);
    await opened.release();
  });

  it('has its losses and their gradients, in every module', async () => {
    const { take, weights, stored } = await open(name);
    const { terms, gradients } = await take(weights, batch);
    for (const [term, value] of Object.entries(told<Record<string, Record<string, number>>>('losses')[name]!))
      expect(terms[term as keyof typeof terms], term).toBeCloseTo(value, 4);
    const { vectors, pairs, counterfactual, loss } = terms;
    expect(loss).toBeCloseTo(vectors! + pairs! + told<number>('weight') * counterfactual!, 4);
    expect([...gradients.keys()].sort()).toEqual([...stored.spec.parameters.keys()].sort());
    for (const [parameter, gradient] of gradients)
      expect(apart(gradient, read(`gradient ${parameter}`)), parameter).toBeLessThan(1e-3);
  });

  it('takes the step that Adam takes', async () => {
    const { take, weights } = await open(name);
    const { gradients } = await take(weights, batch);
    await adamW().step(weights, gradients, told('rate'));
    let compared = 0;
    for (const [parameter, values] of weights) {
      const slope = read(`gradient ${parameter}`);
      const after = read(`after ${parameter}`);
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
