// A step of training a transform beside a transcription's in PyTorch (test/oracles/editors/mend.py): losses, gradients, counts, what Adam makes of them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadCheckpoint, openModel, openSafetensors } from '@errata/models';
import { expect } from 'vitest';
import type { DrawnRecord } from '../training/records.ts';
import { decodeTransform, transformFor } from './file.ts';
import { type TransformInput, type TransformSettings, type TransformStepper, transformOptimizers } from './training.ts';

const folder = fileURLToPath(new URL('../fixtures/oracle/', import.meta.url));

/** ||a - b|| / ||b||. */
function apart(a: Float32Array, b: Float32Array): number {
  const norm = (x: Float32Array) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
  return norm(a.map((v, i) => v - b[i]!)) / norm(b);
}

/** What the oracle wrote, and what is trained by it here. */
export interface OracleStep<Settings extends TransformSettings> {
  /** The editor; its file is `<editor>-training.safetensors`. */
  readonly editor: string;
  /** Name of the files of transforms. */
  readonly transforms: string;
  settings(fields: object): Settings;
  stepper(input: Pick<TransformInput<Settings>, 'model' | 'spec' | 'settings'>): TransformStepper;
}

/** @param edits_per_update of the case @param more settings that are to change nothing */
export async function expectOracleStep<Settings extends TransformSettings>(
  name: string,
  { editor, transforms, ...of }: OracleStep<Settings>,
  edits_per_update: number,
  more: object = {},
): Promise<void> {
  const file = openSafetensors(join(folder, `${editor}-training.safetensors`));
  const told = <T>(key: string) => JSON.parse(file.metadata.get(key)!) as T;
  const checkpoint = await loadCheckpoint(join(folder, name));
  const model = openModel(checkpoint);
  checkpoint.close();
  const stored = decodeTransform(readFileSync(join(folder, name, `${transforms}.safetensors`)));
  const { spec, weights } = transformFor(stored, model.spec);
  const settings = of.settings({ ...told<object>('settings'), edits_per_update, ...more });
  const { terms, gradients } = await of.stepper({ model, spec, settings })(
    weights,
    told<readonly DrawnRecord[]>('batch'),
    [],
  );
  const read = (what: string) => file.read(`${name} ${edits_per_update}/${what}`);

  const losses = told<Record<string, Record<string, number>>>('losses')[`${name} ${edits_per_update}`]!;
  for (const [term, loss] of Object.entries(losses))
    expect((terms as Record<string, number>)[term]! / loss, term).toBeCloseTo(1, loss < 1e-2 ? 3 : 4);
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
}
