// Deltas: stored canonically, installed exactly, refused where they do not fit.

import { holdsWords } from '@errata/contracts';
import { describe, expect, it } from 'vitest';
import { decoderSpec } from '../architectures/index.ts';
import { ModelError } from '../errors.ts';
import { encodeSafetensors } from '../files/safetensors.ts';
import { randomArray } from '../tiny-models.fixture.ts';
import type { CodebookDelta, CodebookRowsDelta } from './codebook/rows.ts';
import { checkDelta, type Delta, decodeDelta, deltaDigest, encodeDelta } from './index.ts';
import { installDeltas, type VersionState } from './state.ts';

const spec = decoderSpec({
  model_type: 'gpt2',
  vocab_size: 8,
  n_positions: 4,
  n_embd: 4,
  n_layer: 2,
  n_head: 1,
  n_inner: 6,
} as never);
const tensor = 'transformer.h.1.mlp.c_proj.weight';
const lowRank: Delta = { kind: 'low_rank', tensor, rank: 2, left: randomArray(12, 1, 1), right: randomArray(8, 2, 1) };
const dense: Delta = { kind: 'dense', tensor: 'transformer.ln_f.bias', data: randomArray(4, 3, 1) };
const codebook: CodebookDelta = {
  kind: 'codebook',
  site: 'mlp_out',
  layer: 1,
  keySize: 6,
  valueSize: 4,
  keys: randomArray(12, 4, 1),
  values: randomArray(8, 5, 1),
  radii: Float32Array.of(1, 0.5),
  labels: ['first', 'zweites "Etikett"'],
  replacements: ['last', 'last'],
};
const rows: CodebookRowsDelta = {
  ...codebook,
  kind: 'codebook_rows',
  replacements: ['prompt', 'last'],
  replaces: [null, 'a'.repeat(64)],
  resized: ['b'.repeat(64)],
  resizedRadii: Float32Array.of(0.25),
};
const base = (name: string) =>
  randomArray(
    spec.parameters.get(name)!.reduce((a, b) => a * b, 1),
    name.length,
    1,
  );

describe.each([lowRank, dense, codebook, rows])('a $kind delta', (delta) => {
  it('comes back from its bytes as it was', () => {
    expect(decodeDelta(encodeDelta(delta))).toEqual(delta);
  });

  it('has bytes, and so a digest, that depend on its contents alone', () => {
    const copy = structuredClone(delta);
    expect(encodeDelta(copy)).toEqual(encodeDelta(delta));
    expect(deltaDigest(copy)).toMatch(/^[0-9a-f]{64}$/);
    const changed = { ...copy, ...('tensor' in copy ? { tensor: 'transformer.wte.weight' } : { layer: 0 }) } as Delta;
    expect(deltaDigest(changed)).not.toBe(deltaDigest(delta));
  });
});

it('is told of every kind whether it holds words, which erasing goes by', () => {
  const told: Readonly<Record<Delta['kind'], boolean>> = holdsWords;
  const unknown = encodeSafetensors(new Map(), { metadata: { format: 'errata-delta/1', kind: 'none' } });
  expect(() => decodeDelta(unknown)).toThrow(`kind is none of ${Object.keys(told).join(', ')}`);
});

describe('installing', () => {
  const books = (...[deltas, parent]: [readonly Delta[], VersionState?]) =>
    [...installDeltas(spec, base, deltas, parent).memories.values()].filter((memory) => memory.kind === 'codebook');

  it('adds factors as [in, rank]·[rank, out], rounding each sum once', () => {
    const { weights } = installDeltas(spec, base, [lowRank]);
    const [before, after] = [base(tensor), weights.get(tensor)!];
    for (let i = 0; i < 6; i++)
      for (let j = 0; j < 4; j++) {
        const sum = lowRank.left[2 * i]! * lowRank.right[j]! + lowRank.left[2 * i + 1]! * lowRank.right[4 + j]!;
        expect(after[i * 4 + j]).toBe(Math.fround(before[i * 4 + j]! + sum));
      }
  });

  it('turns the factors for weights stored [out, in]', () => {
    const llama = decoderSpec({
      model_type: 'llama',
      vocab_size: 8,
      hidden_size: 4,
      intermediate_size: 6,
      num_hidden_layers: 1,
      num_attention_heads: 1,
    } as never);
    const name = 'model.layers.0.mlp.down_proj.weight';
    const { weights } = installDeltas(llama, () => new Float32Array(24), [{ ...lowRank, tensor: name }]);
    const straight = installDeltas(spec, () => new Float32Array(24), [lowRank]).weights.get(tensor)!;
    for (let i = 0; i < 6; i++)
      for (let j = 0; j < 4; j++) expect(weights.get(name)![j * 6 + i]).toBe(straight[i * 4 + j]);
  });

  it('leaves the base and the parent as they were', () => {
    const shared = base(tensor);
    const kept = shared.slice();
    const parent = installDeltas(spec, () => shared, [lowRank]);
    const parentWeight = parent.weights.get(tensor)!.slice();
    const child = installDeltas(spec, () => shared, [lowRank, dense], parent);
    expect(shared).toEqual(kept);
    expect(parent.weights.get(tensor)).toEqual(parentWeight);
    expect(child.weights.get(tensor)).not.toEqual(parentWeight);
    expect([...parent.weights.keys()]).toEqual([tensor]);
  });

  it('keeps one codebook a site, the latest', () => {
    const later = { ...codebook, labels: ['a', 'b'] };
    const elsewhere = { ...codebook, layer: 0 };
    expect(books([codebook, elsewhere, later])).toEqual([elsewhere, later]);
  });

  it('changes the rows of the codebook before it, which a whole one may be, and begins one where there is none', () => {
    const more = { ...rows, replaces: [null, null], resized: [], resizedRadii: new Float32Array(0) };
    const [begun] = books([more]);
    expect(begun).toEqual({ ...codebook, replacements: ['prompt', 'last'] });
    const [both] = books([codebook, more]);
    expect(both!.labels).toEqual([...codebook.labels, ...codebook.labels]);
    expect(both!.keys).toEqual(Float32Array.from([...codebook.keys, ...codebook.keys]));
    expect(books([more], installDeltas(spec, base, [codebook]))).toEqual([both]);
    expect(books([more, codebook])).toEqual([codebook]);
  });
});

describe('what does not fit', () => {
  const misfits: Record<string, Delta> = {
    "another model's tensor": { ...lowRank, tensor: 'model.layers.0.mlp.down_proj.weight' },
    'factors for a bias': { ...lowRank, tensor: 'transformer.ln_f.bias' },
    'factors of other sizes': { ...lowRank, left: new Float32Array(10) },
    'a dense delta of another size': { ...dense, data: new Float32Array(5) },
    'a codebook beyond the layers': { ...codebook, layer: 2 },
    'a codebook of other sizes': { ...codebook, site: 'mlp_pre' },
    'rows of other sizes': { ...rows, site: 'mlp_pre' },
  };
  for (const [name, delta] of Object.entries(misfits)) {
    it(`is refused: ${name}`, () => {
      expect(() => checkDelta(spec, delta)).toThrow(expect.objectContaining({ code: 'delta_misfit' }) as never);
    });
  }

  const inconsistent: Record<string, Delta> = {
    'a rank that does not divide the factors': { ...lowRank, rank: 5 },
    'rank 0': { ...lowRank, rank: 0 },
    'fewer labels than entries': { ...codebook, labels: ['one'] },
    'fewer keys than radii': { ...codebook, keys: new Float32Array(6) },
  };
  for (const [name, delta] of Object.entries(inconsistent)) {
    it(`is refused before it is stored: ${name}`, () => {
      expect(() => encodeDelta(delta)).toThrow(expect.objectContaining({ code: 'delta_malformed' }) as never);
    });
  }

  const metadata = { format: 'errata-delta/1', kind: 'low_rank', tensor };
  const malformed: Record<string, () => Uint8Array> = {
    'no metadata': () => encodeSafetensors(new Map()),
    'another format': () => encodeSafetensors(new Map(), { metadata: { ...metadata, format: 'errata-delta/2' } }),
    'an unknown kind': () => encodeSafetensors(new Map(), { metadata: { ...metadata, kind: 'rank_one' } }),
    'a field too many': () => encodeSafetensors(new Map(), { metadata: { ...metadata, note: '' } }),
    'a factor missing': () =>
      encodeSafetensors(new Map([['left', { shape: [6, 2], data: new Float32Array(12) }]]), { metadata }),
    'factors that do not multiply': () =>
      encodeSafetensors(
        new Map([
          ['left', { shape: [6, 2], data: new Float32Array(12) }],
          ['right', { shape: [1, 4], data: new Float32Array(4) }],
        ]),
        { metadata },
      ),
    'labels that are not a list': () =>
      encodeSafetensors(
        new Map(
          Object.entries({
            keys: { shape: [0, 6], data: new Float32Array(0) },
            values: { shape: [0, 4], data: new Float32Array(0) },
            radii: { shape: [0], data: new Float32Array(0) },
          }),
        ),
        { metadata: { format: 'errata-delta/1', kind: 'codebook', site: 'mlp_out', layer: '1', labels: '{' } },
      ),
  };
  for (const [name, bytes] of Object.entries(malformed)) {
    it(`is refused when read: ${name}`, () => {
      expect(() => decodeDelta(bytes())).toThrow(ModelError);
      expect(() => decodeDelta(bytes())).toThrow(expect.objectContaining({ code: 'delta_malformed' }) as never);
    });
  }

  it('is refused when read: a value that is not finite', () => {
    const bytes = encodeDelta(dense);
    new DataView(bytes.buffer).setFloat32(bytes.byteLength - 4, Number.NaN, true);
    expect(() => decodeDelta(bytes)).toThrow(expect.objectContaining({ code: 'safetensors_non_finite' }) as never);
  });
});
