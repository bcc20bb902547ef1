// For this package's tests: the tiny checkpoints that the oracle script wrote, and random numbers.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { loadCheckpoint } from './files/checkpoint.ts';
import { type Model, openModel } from './running/model.ts';
import { uniform } from './running/sampling.ts';
import type { ModelOptions } from './running/weights.ts';

/** What transformers says about a fixture. */
export interface ExpectedOutputs {
  readonly sequences: readonly (readonly number[])[];
  /** Rows of each sequence whose logits are given. */
  readonly rows: readonly (readonly number[])[];
  /** Logits of those rows, flat, by sequence. */
  readonly logits: readonly (readonly number[])[];
  readonly greedy: readonly (readonly number[])[];
  readonly training: {
    readonly ids: readonly (readonly number[])[];
    readonly loss: number;
    readonly gradients: Readonly<Record<string, readonly number[]>>;
  };
}

/** Names of the random models: every fixture that transformers has answered for. */
export const tinyModels = readdirSync(new URL('./fixtures/', import.meta.url)).filter((name) =>
  existsSync(`${fixturePath(name)}/config.json`),
);

/** Path of a fixture. */
export function fixturePath(name: string): string {
  return new URL(`./fixtures/${name}`, import.meta.url).pathname;
}

/** A fixture model's expectations. */
export function expectedOutputs(name: string): ExpectedOutputs {
  return JSON.parse(readFileSync(`${fixturePath(name)}/expected.json`, 'utf8')) as ExpectedOutputs;
}

/** Opens a fixture model. */
export async function openTiny(name: string, options?: ModelOptions): Promise<Model> {
  return openDirectory(fixturePath(name), options);
}

/** Opens a model directory. */
export async function openDirectory(directory: string, options?: ModelOptions): Promise<Model> {
  const checkpoint = await loadCheckpoint(directory);
  const model = openModel(checkpoint, options);
  checkpoint.close();
  return model;
}

/** A directory of the shared data beside the repository, or undefined where it is absent. */
export function sharedData(path: string): string | undefined {
  const full = new URL(`../../../../shared/data/${path}`, import.meta.url).pathname;
  return existsSync(full) ? full : undefined;
}

/** Random numbers in (-scale, scale), the same for the same seed. */
export function randomArray(length: number, seed: number, scale: number): Float32Array {
  const next = uniform(seed, 0);
  return Float32Array.from({ length }, () => (2 * next() - 1) * scale);
}

/** Greatest absolute difference of two arrays of one length. */
export function worstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} and ${b.length} elements`);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  return worst;
}
