// AlphaEdit: its closed form against the defining equation, and the editor on random models.
import { matrix, multiply, transposeMatrix } from '@errata/graph';
import { memoryAt, valueMatrix } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { builder as eigenbases } from '../../artefacts/eigenbasis/build.ts';
import { countAtLeast, decodeEigenbasis, encodeEigenbasis, projectOff } from '../../artefacts/eigenbasis/eigenbasis.ts';
import { eigenbasisOf } from '../../artefacts/eigenbasis/request.ts';
import { builder as secondMoments } from '../../artefacts/second-moment/build.ts';
import { secondMomentOf } from '../../artefacts/second-moment/request.ts';
import { edit } from '../../edit.ts';
import { projectedUpdate } from '../../solve/projected.ts';
import { minus, norm } from '../../solve/vectors.ts';
import { randoms } from '../../tiny-model.fixture.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { families, someEdits, tinySetup, valueAt } from '../setups.fixture.ts';
import { tinyAlphaEdit } from './tiny.fixture.ts';

const threshold = tinyAlphaEdit.null_threshold;
const vectors = (seed: number, count: number, length: number) => {
  const next = randoms(seed);
  return Array.from({ length: count }, () => Float64Array.from({ length }, next));
};
const setup = await tinySetup();
const basis = await setup.artefacts.read(eigenbases, eigenbasisOf(1));
const { size } = basis;
const kept = countAtLeast(basis, threshold);

describe('eigenvectors of a second moment', () => {
  it('make it up again, and come back from their bytes', async () => {
    const { moment } = await setup.artefacts.read(secondMoments, secondMomentOf(1));
    const v = matrix(size, size, basis.vectors);
    const scaled = matrix(
      size,
      size,
      basis.vectors.map((x, i) => x * basis.values[i % size]!),
    );
    const again = await multiply(scaled, v, { transB: true });
    expect(norm(minus(again.data, moment)) / norm(moment)).toBeLessThan(1e-12);
    expect(decodeEigenbasis(encodeEigenbasis(basis))).toEqual(basis);
  });
});

describe('the projected update', () => {
  const [keys, residuals, earlier] = [vectors(2, 3, size), vectors(3, 3, 6), vectors(4, 4, size)];
  const ridge = 0.01;

  it('solves the defining equation', async () => {
    const { keySide } = await projectedUpdate(keys, residuals, earlier, basis, { threshold, ridge });
    const rows = (some: readonly Float64Array[]) =>
      matrix(some.length, size, Float64Array.from(some.flatMap((x) => [...x])));
    const sum = await multiply(rows([...keys, ...earlier]), rows([...keys, ...earlier]), { transA: true });
    const left = await projectOff(basis, kept, await multiply(sum, keySide));
    for (let i = 0; i < left.data.length; i++) left.data[i]! += ridge * keySide.data[i]!;
    const right = await projectOff(basis, kept, transposeMatrix(rows(keys)));
    expect(norm(minus(left.data, right.data)) / norm(right.data)).toBeLessThan(1e-12);
  });

  it('moves nothing along the directions that are kept, and earlier keys the less the smaller the ridge', async () => {
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(size);
    const { keySide } = await projectedUpdate(keys, residuals, earlier, basis, { threshold, ridge });
    const off = await projectOff(basis, kept, keySide);
    expect(norm(minus(off.data, keySide.data)) / norm(keySide.data)).toBeLessThan(1e-12);
    const moved = async (ridge: number) => {
      const update = await projectedUpdate(keys, residuals, earlier, basis, { threshold, ridge });
      const key = matrix(1, size, earlier[0]!);
      return norm((await multiply(await multiply(key, update.keySide), update.valueSide)).data);
    };
    expect(await moved(1e-6)).toBeLessThan(1e-3 * (await moved(1)));
  });
});

leavesAloneWhatHolds('alpha-edit', tinyAlphaEdit);

describe.each(families)('AlphaEdit on %s', (_family, config) => {
  it('leaves the keys of its edits, and solves the next ones past them', async () => {
    const { model, inputOf } = await tinySetup(config);
    const first = await edit('alpha-edit', inputOf(tinyAlphaEdit, someEdits.slice(0, 1)));
    expect(first.deltas.map(({ delta }) => delta.kind)).toEqual([
      ...tinyAlphaEdit.layers.map(() => 'low_rank'),
      ...tinyAlphaEdit.layers.map(() => 'edited_keys'),
    ]);
    const parent = model.view(first.deltas.map(({ delta }) => delta));
    const { weight } = valueMatrix(model.spec, 0);
    const { keys } = memoryAt(parent.memories, 'edited_keys', weight)!;
    const moved = async (view: typeof parent) => {
      const input = inputOf(tinyAlphaEdit, someEdits.slice(1, 2), { layers: [0], ridge: 1e-6 }, view);
      const after = view.with((await edit('alpha-edit', input)).deltas.map(({ delta }) => delta));
      return norm(minus(valueAt(after, 0, keys), valueAt(view, 0, keys)));
    };
    const forgetful = model.view(first.deltas.flatMap(({ delta }) => (delta.kind === 'low_rank' ? [delta] : [])));
    expect(await moved(parent)).toBeLessThan(1e-2 * (await moved(forgetful)));
  });
});

it('is refused where the threshold leaves no direction to write along', async () => {
  const input = setup.inputOf(tinyAlphaEdit, someEdits.slice(0, 1), { null_threshold: 1e-9 });
  await expect(edit('alpha-edit', input)).rejects.toThrow(
    'every eigenvalue of the second moment reaches null_threshold',
  );
});

it('delivers the share of a residual that it was asked for', async () => {
  const settings = { layers: [1], prefixes: [] as [number, number][], ridge: { share: 0.3 } };
  const { outcomes } = await edit('alpha-edit', setup.inputOf(tinyAlphaEdit, someEdits.slice(0, 1), settings));
  const [outcome] = outcomes;
  if (outcome?.outcome !== 'applied') throw new Error('not applied');
  expect(outcome.diagnostics.delivered![0]).toBeCloseTo(0.3, 6);
});
