// Optimizers against torch, and their state against interruption.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adamW, clipGlobalNorm, globalNorm, muon, type Optimizer } from './optimizers.ts';

interface Case {
  readonly rows: number;
  readonly columns: number;
  readonly blocks: number;
  readonly weight: number[];
  readonly gradients: number[][];
  readonly adamW: number[];
  readonly muon: number[];
  readonly muonTorch?: number[];
}

const fixture = JSON.parse(readFileSync(new URL('./fixtures/optimizers.json', import.meta.url), 'utf8')) as {
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly cases: readonly Case[];
};
const { learningRate, weightDecay } = fixture;

async function train(optimizer: Optimizer, weight: Float32Array, gradients: readonly number[][]): Promise<void> {
  for (const gradient of gradients) {
    await optimizer.step(new Map([['w', weight]]), new Map([['w', Float32Array.from(gradient)]]), learningRate);
  }
}

function worst(got: Float32Array, expected: readonly number[]): number {
  expect(got.length).toBe(expected.length);
  return Math.max(...expected.map((e, i) => Math.abs(e - got[i]!)));
}

const muonFor = ({ rows, columns, blocks }: Case) => muon(new Map([['w', { rows, columns, blocks }]]), { weightDecay });
const adamFor = () => adamW({ beta2: 0.95, weightDecay });

for (const c of fixture.cases) {
  describe(`a ${c.rows} x ${c.columns} matrix in ${c.blocks} block(s)`, () => {
    it('takes the AdamW steps of torch', async () => {
      const weight = Float32Array.from(c.weight);
      await train(adamFor(), weight, c.gradients);
      expect(worst(weight, c.adamW)).toBeLessThan(1e-6);
    });

    it('takes the Muon steps of the float64 reference, and of torch within its bfloat16', async () => {
      const weight = Float32Array.from(c.weight);
      const optimizer = muonFor(c);
      await train(optimizer, weight, c.gradients);
      await optimizer.release();
      expect(worst(weight, c.muon)).toBeLessThan(1e-5);
      if (c.muonTorch) expect(worst(weight, c.muonTorch)).toBeLessThan(1e-3);
    });

    for (const [kind, make] of [
      ['AdamW', adamFor],
      ['Muon', () => muonFor(c)],
    ] as const) {
      it(`resumes ${kind} from a stored state, bit for bit`, async () => {
        const straight = Float32Array.from(c.weight);
        const first = make();
        await train(first, straight, c.gradients);
        const broken = Float32Array.from(c.weight);
        const before = make();
        await train(before, broken, c.gradients.slice(0, 1));
        const stored = structuredClone(before.state());
        const after = make();
        after.restore(stored);
        await train(after, broken, c.gradients.slice(1));
        expect(broken).toEqual(straight);
        expect(after.state().step).toBe(c.gradients.length);
        for (const optimizer of [first, before, after]) await optimizer.release();
      });
    }
  });
}

describe('optimizers', () => {
  it('exempt from decay what they are told to', async () => {
    const weight = Float32Array.of(2);
    await adamW({ weightDecay: 0.5, decays: () => false }).step(
      new Map([['w', weight]]),
      new Map([['w', Float32Array.of(0)]]),
      1,
    );
    expect(weight[0]).toBe(2);
  });

  it('name a gradient that does not fit its weight', async () => {
    const step = adamW().step(new Map([['w', new Float32Array(2)]]), new Map([['w', new Float32Array(3)]]), 0.1);
    await expect(step).rejects.toMatchObject({ code: 'shape_mismatch', where: 'w' });
  });

  it('refuse a stored state of another size', async () => {
    const optimizer = adamW();
    optimizer.restore({ step: 1, slots: new Map([['m.w', new Float32Array(5)]]) });
    const step = optimizer.step(new Map([['w', new Float32Array(2)]]), new Map([['w', new Float32Array(2)]]), 0.1);
    await expect(step).rejects.toMatchObject({ code: 'bad_state', where: 'm.w' });
  });

  it('refuse blocks that do not divide the columns', () => {
    expect(() => muon(new Map([['w', { rows: 2, columns: 5, blocks: 3 }]]))).toThrow(/5 columns/);
  });
});

describe('gradient clipping', () => {
  it('scales all gradients together, and only when they are too long', () => {
    const gradients = new Map([
      ['a', Float32Array.of(3)],
      ['b', Float32Array.of(0, 4)],
    ]);
    expect(clipGlobalNorm(gradients, 10)).toBe(5);
    expect(globalNorm(gradients)).toBe(5);
    expect(clipGlobalNorm(gradients, 1)).toBe(5);
    expect(globalNorm(gradients)).toBeCloseTo(1, 6);
  });
});
