// Patch rows: what is stored of them, what they add up to, and which of them the gate lets a query through to.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { valueMatrix } from '../../architectures/spec.ts';
import { parseSafetensors } from '../../files/safetensors.ts';
import { openTiny, randomArray } from '../../tiny-models.fixture.ts';
import { decodeDelta, encodeDelta, leftBeside, rowNamesOf } from '../index.ts';
import { decodeSnapshot, encodeSnapshot } from '../snapshots.ts';
import { installDeltas, memoryAt, type VersionState } from '../state.ts';
import { type PatchDelta, packPatch, unpackPatch } from './patch.ts';
import { passedLimit, patchedBy, unit } from './reading.ts';
import { changedPatchRows, type PatchRow, type PatchRowsDelta } from './rows.ts';

const model = await openTiny('gpt2-tied');
const { width } = model.spec;
const [encoderA, encoderB] = ['a', 'b'].map((letter) => letter.repeat(64)) as [string, string];
const { weight, inSize, outSize } = valueMatrix(model.spec, 0);
const lowRank = (stream: number): PatchDelta => ({
  kind: 'low_rank',
  tensor: weight,
  rank: 1,
  left: randomArray(inSize, stream, 1),
  right: randomArray(outSize, stream + 1, 1),
});
const neurons: PatchDelta = {
  kind: 'neurons',
  layer: 1,
  activation: 'relu',
  width,
  keys: randomArray(2 * width, 3, 1),
  biases: randomArray(2, 4, 1),
  values: randomArray(2 * width, 5, 1),
};

const row = (prompt: string, more: Partial<PatchRow> = {}): PatchRow => ({
  encoder: encoderA,
  prompt,
  text: `${prompt} Oslo`,
  threshold: 0.5,
  lead: 2,
  spread: 0,
  among: 3,
  ...packPatch([lowRank(prompt.length)]),
  vector: unit(randomArray(6, prompt.length, 1)),
  ...more,
});
const change = (...rows: readonly PatchRow[]): PatchRowsDelta => ({ kind: 'patch_rows', rows });
const installed = (...deltas: PatchRowsDelta[]): VersionState => installDeltas(model.spec, model.base, deltas);
const rowsOf = (...deltas: PatchRowsDelta[]) =>
  memoryAt(installed(...deltas).memories, 'patch_rows', 'prompt')?.rows ?? [];
const anna = row('Anna lives in');

describe('patch rows', () => {
  it('come back from their bytes and from snapshots, patches of either kind or none', () => {
    const other = row('Boris plays', {
      encoder: encoderB,
      ...packPatch([neurons, lowRank(9)]),
      vector: randomArray(9, 1, 1),
    });
    const delta = change(anna, other, row('Clara speaks', packPatch([])));
    expect(decodeDelta(encodeDelta(delta))).toEqual(delta);
    expect(unpackPatch('', other.patch, other.numbers)).toEqual([neurons, lowRank(9)]);
    const state = installed(delta);
    const bytes = Buffer.concat([...encodeSnapshot({ model: 'm', version: 'v', state })]);
    expect(decodeSnapshot(parseSafetensors(bytes, 'snapshot')).state).toEqual(state);
    expect(leftBeside('patch_rows')).toBe('a memory of patches');
    // Two patches of one correction are two rows.
    expect(rowNamesOf(change(anna))).not.toEqual(rowNamesOf(change({ ...anna, ...packPatch([lowRank(1)]) })));
  });

  it('add up in any order, one a prompt, the latest; taking one away leaves the others as they were', () => {
    const rows = ['Anna', 'Boris', 'Clara', 'Dmitri'].map((name) => row(`${name} lives in`));
    fc.assert(
      fc.property(fc.shuffledSubarray(rows, { minLength: 1 }), (some) => {
        expect(rowsOf(...some.map((one) => change(one)))).toEqual(rows.filter((one) => some.includes(one)));
        const again = { ...some[0]!, text: 'Lima' };
        expect(rowsOf(...some.map((one) => change(one)), change(again))).toContainEqual(again);
      }),
    );
  });

  it('are refused where they are none, or their patches do not fit themselves or the model', () => {
    const malformed = expect.objectContaining({ code: 'delta_malformed' }) as never;
    for (const wrong of [{ numbers: anna.numbers.subarray(1) }, { vector: new Float32Array(0) }])
      expect(() => encodeDelta(change({ ...anna, ...wrong }))).toThrow(malformed);
    for (const wrong of [{ threshold: 2 }, { lead: -1 }, { text: '' }, { encoder: 'a' }])
      expect(() => decodeDelta(encodeDelta(change({ ...anna, ...wrong })))).toThrow(malformed);
    const misfit = expect.objectContaining({ code: 'delta_misfit' }) as never;
    for (const wrong of [
      { ...lowRank(1), tensor: 'nothing' },
      { ...neurons, layer: 99 },
    ] as PatchDelta[])
      expect(() => installed(change({ ...anna, ...packPatch([wrong]) }))).toThrow(misfit);
  });
});

describe('the gate', () => {
  const gate = { threshold: 0.9, lead: 0.15, spread: 0.05, among: 3 };

  it('asks for more than the threshold, or for a lead over the second where the best few differ', () => {
    expect(passedLimit([0.91, 0.9], gate)).toBe(0.9);
    expect(passedLimit([0.9, 0.89, 0.88], gate)).toBeNull();
    expect(passedLimit([0.5, 0.3, 0.3], gate)).toBeCloseTo(0.45, 12);
    expect(passedLimit([0.5, 0.3, 0.3], { ...gate, spread: 0.1 })).toBeNull();
    expect(passedLimit([0.5, 0.36, 0.36, -9], gate)).toBeNull();
    expect(passedLimit([0.5, 0.36, 0.36, -9], { ...gate, lead: 0.1, spread: 1, among: 4 })).toBeCloseTo(0.46, 12);
    expect(passedLimit([0.5], { ...gate, spread: 0 })).toBeNull();
  });

  it('finds the row that looking at every row finds, whatever way the memory came about', async () => {
    const rows = Array.from({ length: 40 }, (_, at) =>
      row(`prompt ${at}`, {
        threshold: -1,
        vector: unit(randomArray(6, at, 1)),
        encoder: at % 2 ? encoderA : encoderB,
      }),
    ).sort((a, b) => (a.prompt < b.prompt ? -1 : 1));
    const queries = new Map([encoderA, encoderB].map((one, at) => [one, randomArray(6, 100 + at, 1)]));
    const encoderOf = async (sha256: string) => ({ query: async () => queries.get(sha256)! });
    const scoreOf = ({ encoder, vector }: PatchRow) =>
      vector.reduce((sum, x, i) => sum + x * unit(queries.get(encoder)!)[i]!, 0);
    const best = rows.reduce((a, b) => (scoreOf(b) > scoreOf(a) ? b : a));
    for (const memory of [rows, changedPatchRows(rows.slice(0, 20), rows.slice(20)).rows]) {
      const found = await patchedBy(memory, 'q', encoderOf);
      expect(found!.row.prompt).toBe(best.prompt);
      expect(found!.score).toBeCloseTo(scoreOf(best), 6);
    }
    // A score that equals what is to be exceeded does not.
    const exact = (await patchedBy(rows, 'q', encoderOf))!.score;
    const held = rows.map((one) => ({ ...one, threshold: exact }));
    expect(await patchedBy(held, 'q', encoderOf)).toBeNull();
  });
});
