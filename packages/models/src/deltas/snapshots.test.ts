// A snapshot is the state itself: whatever was folded, opening and going on from it gives the same bytes as installing every delta.

import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { mlpMatrices } from '../architectures/blocks/refs.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import { ModelError } from '../errors.ts';
import { encodeSafetensors, parseSafetensors } from '../files/safetensors.ts';
import type { View } from '../running/view.ts';
import { openTiny, randomArray } from '../tiny-models.fixture.ts';
import { type CodebookPlace, type CodebookRows, codebookKeySite, rowAddresses } from './codebook/rows.ts';
import type { Delta } from './index.ts';
import { decodeSnapshot, encodeSnapshot, type Snapshot } from './snapshots.ts';

const models = { in_out: await openTiny('gpt2-tied'), out_in: await openTiny('llama-grouped') };
afterAll(() => Promise.all(Object.values(models).map((model) => model.release())));

const origin = { model: 'a'.repeat(64), version: `ver_${'b'.repeat(64)}` };
const bytesOf = (snapshot: Snapshot) => Buffer.concat([...encodeSnapshot(snapshot)]);
const readBack = (snapshot: Snapshot) => decodeSnapshot(parseSafetensors(bytesOf(snapshot)));
const folded = (view: View) => readBack({ ...origin, state: view.state() });

/** Any delta that fits a model: of any linear map, of any parameter, of either site of any layer. */
function deltaFor(spec: DecoderSpec): fc.Arbitrary<Delta> {
  const maps = spec.blocks.flatMap(({ mlp }) => mlpMatrices(mlp));
  const seed = fc.integer({ min: 1, max: 1e6 });
  const layer = fc.integer({ min: 0, max: spec.layers - 1 });
  const lowRank = fc
    .tuple(fc.constantFrom(...maps), fc.integer({ min: 1, max: 3 }), seed)
    .map(([{ weight, inSize, outSize }, rank, n]): Delta => {
      const [left, right] = [randomArray(inSize * rank, n, 0.1), randomArray(rank * outSize, n + 1, 0.1)];
      return { kind: 'low_rank', tensor: weight, rank, left, right };
    });
  const dense = fc.tuple(fc.constantFrom(...spec.parameters), seed).map(([[tensor, dims], n]): Delta => {
    const size = dims.reduce((a, b) => a * b, 1);
    return { kind: 'dense', tensor, data: randomArray(size, n, 0.01) };
  });
  const sites = Object.keys(codebookKeySite) as (keyof typeof codebookKeySite)[];
  const place = fc.record({ site: fc.constantFrom(...sites), layer });
  // From a handful, so that changes meet rows that are there.
  const numbers = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 });
  const rowsOf = (at: CodebookPlace, entries: readonly number[]): CodebookRows => {
    const [keySize, valueSize] = at.site === 'mlp_pre' ? [spec.width, spec.mlpWidth] : [spec.mlpWidth, spec.width];
    return {
      ...at,
      keySize,
      valueSize,
      keys: Float32Array.from(entries.flatMap((n) => [...randomArray(keySize, n, 1)])),
      values: Float32Array.from(entries.flatMap((n) => [...randomArray(valueSize, n + 10, 1)])),
      radii: Float32Array.from(entries, (n) => n / 4),
      labels: entries.map((n) => `entry ${n}`),
      replacements: entries.map((n) => (n % 2 === 0 ? 'last' : 'prompt')),
    };
  };
  const codebook = fc
    .tuple(place, numbers)
    .map(([at, entries]): Delta => ({ kind: 'codebook', ...rowsOf(at, entries) }));
  const rows = fc.tuple(place, numbers, numbers, numbers).map(([at, entries, replaced, resized]): Delta => {
    const addresses = (of: readonly number[]) => rowAddresses(rowsOf(at, of));
    return {
      kind: 'codebook_rows',
      ...rowsOf(at, entries),
      replaces: entries.map((_, i) => addresses(replaced)[i] ?? null),
      resized: addresses(resized),
      resizedRadii: Float32Array.from(resized, (n) => n / 8),
    };
  });
  return fc.oneof(lowRank, dense, codebook, rows);
}

describe.each(Object.entries(models))('of a model whose matrices lie %s', (_, model) => {
  it('a chain of any deltas, folded anywhere and folded again, opens to the same bytes as the chain itself', () => {
    fc.assert(
      fc.property(fc.array(deltaFor(model.spec), { maxLength: 12 }), fc.func(fc.boolean()), (deltas, foldAfter) => {
        const whole = model.view(deltas);
        let view = model.view();
        for (const [index, delta] of deltas.entries()) {
          view = view.with([delta]);
          if (foldAfter(index)) view = model.restore(folded(view).state);
        }
        expect(view.weightsDigest()).toBe(whole.weightsDigest());
        expect(bytesOf({ ...origin, state: view.state() })).toEqual(bytesOf({ ...origin, state: whole.state() }));
      }),
      { numRuns: 40 },
    );
  });
});

it('comes back as it was, signs of zero and denormals included', async () => {
  const name = [...models.in_out.spec.parameters.keys()][0]!;
  const weights = new Map([[name, Float32Array.of(-0, 0, 2 ** -149, 3.4e38)]]);
  const snapshot: Snapshot = { ...origin, state: { weights, memories: new Map() } };
  const { state, ...rest } = readBack(snapshot);
  expect(rest).toEqual(origin);
  expect(new Uint32Array(state.weights.get(name)!.buffer)).toEqual(new Uint32Array(weights.get(name)!.buffer));
});

it('refuses what is not a snapshot', () => {
  const at = (metadata: Record<string, string>, tensors: Record<string, Float32Array> = {}) => {
    const entries = Object.entries(tensors).map(([key, data]) => [key, { shape: [data.length], data }] as const);
    return () => decodeSnapshot(parseSafetensors(encodeSafetensors(new Map(entries), { metadata })));
  };
  const good = { format: 'errata-snapshot/1', ...origin, codebooks: '[]' };
  expect(at(good)().state).toEqual({ weights: new Map(), memories: new Map() });
  expect(at({ ...good, format: 'errata-delta/1' })).toThrow(ModelError);
  expect(at({ ...good, codebooks: '{' })).toThrow(ModelError);
  expect(at({ ...good, codebooks: '[{"site":"mlp_out","layer":0,"labels":[]}]' })).toThrow(ModelError);
  expect(at(good, { stranger: Float32Array.of(1) })).toThrow(ModelError);
});
