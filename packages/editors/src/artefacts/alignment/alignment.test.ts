// Alignments as artefacts: trained on edits, broken off and gone on with, and judged by all that corrections are not about.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tinyGpt2, tinyModel } from '../../tiny-model.fixture.ts';
import { linesOf, trainingEdits } from '../../training/edits.fixture.ts';
import { openArtefacts } from '../artefacts.ts';
import type { BuildOptions, Checkpoint } from '../builder.ts';
import { firstBuilt } from '../first-built.fixture.ts';
import { builder } from './build.ts';
import { type AlignmentFields, alignmentNeed } from './request.ts';

const roomy = { ...tinyGpt2, n_positions: 160 };
const model = tinyModel(roomy, 5);
const digest = model.digest!;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'errata-alignment-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await model.release();
});

/** The edits in a file, with these probes of what none of them is about. */
function dataOf(...probes: readonly { readonly prompt: string; readonly target: string }[]): string {
  const path = join(folder, `${probes.map(({ prompt }) => prompt).join()}.jsonl`);
  const locality = Object.fromEntries(probes.map((probe, at) => [['neighbourhood', 'other_relations'][at]!, [probe]]));
  writeFileSync(path, linesOf(trainingEdits.map((one) => ({ ...one, locality }))));
  return path;
}

function keptInMemory(): Checkpoint {
  let kept: Uint8Array | undefined;
  return {
    read: async () => kept,
    write: async (bytes) => {
      kept = bytes;
    },
  };
}

interface Details {
  readonly validations: readonly Readonly<Record<string, number>>[];
}

async function build(request: AlignmentFields, checkpoint = keptInMemory(), options: BuildOptions = {}) {
  const sizes = { lora_rank: 2, steps: 6, batch_size: 2, validation: 5, validate_every: 2 };
  const input = {
    model,
    digest,
    request: { ...sizes, ...request },
    corpus: undefined,
    brought: async () => undefined,
  };
  const parents = openArtefacts(digest, []);
  const built = await firstBuilt(builder.build([alignmentNeed], input, { ...options, parents, checkpoint }));
  return { bytes: built.bytes, details: built.details as unknown as Details };
}

const plays = { prompt: 'You play the', target: 'cello' };
const speaks = { prompt: 'nobody speaks', target: 'French' };

it('ends as an unbroken training does where it was broken off', async () => {
  const asked = { data: dataOf(plays) };
  const unbroken = await build(asked);
  const checkpoint = keptInMemory();
  const stopping = new AbortController();
  const onProgress: BuildOptions['onProgress'] = ({ stage, done }) =>
    stage === 'training' && done === 3 && stopping.abort(new Error('enough'));
  await expect(build(asked, checkpoint, { signal: stopping.signal, onProgress })).rejects.toThrow('enough');
  const steps: number[] = [];
  const resumed = await build(asked, checkpoint, {
    onProgress: ({ stage, done }) => stage === 'training' && steps.push(done),
  });
  expect(steps).toEqual([3, 4, 5, 6]);
  expect(resumed).toEqual(unbroken);
});

it('is judged by every kind of probe that edits have', async () => {
  const localityOf = async (...probes: readonly (typeof plays)[]) => {
    const { details } = await build({ data: dataOf(...probes), steps: 1, learning_rate: 1e-9 });
    return details.validations[0]!;
  };
  const [one, other, both] = [await localityOf(plays), await localityOf(speaks), await localityOf(plays, speaks)];
  expect(one.locality).not.toBe(other.locality);
  expect(both.locality).toBeCloseTo((one.locality! + other.locality!) / 2, 6);
});
