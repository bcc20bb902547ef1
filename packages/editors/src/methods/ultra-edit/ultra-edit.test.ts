// UltraEdit on random models: what it scales by, what it leaves, and in which form.
import { memoryAt } from '@errata/models';
import { describe, expect, it } from 'vitest';
import { edit } from '../../edit.ts';
import { leavesAloneWhatHolds } from '../already-holds.fixture.ts';
import { appliedDiagnostics, families, someEdits, tinySetup } from '../setups.fixture.ts';
import { scaledBy, statisticsOf } from './scaling.ts';
import { tinyUltraEdit } from './tiny.fixture.ts';

leavesAloneWhatHolds('ultra-edit', tinyUltraEdit);

describe('scaling', () => {
  const keys = [Float32Array.of(1, 5), Float32Array.of(3, 5), Float32Array.of(8, 5)];
  const gradients = [Float32Array.of(-1), Float32Array.of(0), Float32Array.of(4)];
  const statistics = statisticsOf('all', [{ keys, gradients }]);

  it('leaves every element with mean 0 and deviation 1, and those that never differ with 0', () => {
    const scaled = keys.map((key, token) => scaledBy(statistics, key, gradients[token]!));
    for (const of of [(i: number) => scaled[i]!.key[0]!, (i: number) => scaled[i]!.gradient[0]!]) {
      const found = keys.map((_, i) => of(i));
      expect(found.reduce((sum, x) => sum + x, 0)).toBeCloseTo(0, 5);
      expect(found.reduce((sum, x) => sum + x * x, 0) / (keys.length - 1)).toBeCloseTo(1, 5);
    }
    for (const { key } of scaled) expect(key[1]).toBe(0);
  });

  it('of one token alone is a number: there is nothing to tell it from', () => {
    const [key, gradient] = [keys[0]!, gradients[0]!];
    const alone = scaledBy(statisticsOf('one', [{ keys: [key], gradients: [gradient] }]), key, gradient);
    expect([...alone.key, ...alone.gradient]).toEqual([0, 0, 0]);
  });
});

describe.each(families)('UltraEdit on %s', (_family, config) => {
  it('makes targets likelier, counts what it has seen, and scales the next batch by that too', async () => {
    const { model, inputOf } = await tinySetup(config);
    const first = await edit('ultra-edit', inputOf(tinyUltraEdit, someEdits.slice(0, 3)));
    const losses = first.outcomes.map((outcome) => appliedDiagnostics(outcome));
    const total = (which: 'first_loss' | 'last_loss') => losses.reduce((sum, one) => sum + one[which].nll, 0);
    expect(total('last_loss')).toBeLessThan(total('first_loss'));
    const parent = model.view(first.deltas.map(({ delta }) => delta));
    const second = await edit('ultra-edit', inputOf(tinyUltraEdit, someEdits.slice(3, 4), {}, parent));
    const after = parent.with(second.deltas.map(({ delta }) => delta));
    const [seen] = parent.memories.values();
    if (seen?.kind !== 'feature_statistics') throw new Error('nothing was counted');
    const counted = memoryAt(after.memories, 'feature_statistics', seen.of)!.count;
    const [own] = second.deltas.flatMap(({ delta }) => (delta.kind === 'feature_statistics' ? [delta.count] : []));
    expect(counted).toBe(seen.count + own!);
  });

  it('leaves whole matrices where so many tokens make those the smaller', async () => {
    const { inputOf } = await tinySetup(config);
    const many = Array.from({ length: 40 }, (_, i) => ({ ...someEdits[i % 3]!, custom_id: `edit ${i}` }));
    const { deltas } = await edit('ultra-edit', inputOf(tinyUltraEdit, many));
    expect(deltas.map(({ delta }) => delta.kind)).toEqual(['dense', 'dense', 'feature_statistics']);
  });
});
