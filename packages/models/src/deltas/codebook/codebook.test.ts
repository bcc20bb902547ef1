// Codebooks: what is stored of them, old and new, and the book that changes of rows add up to.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../files/safetensors.ts';
import { appended } from '../growing-array.ts';
import { decodeDelta, deltaDigest, encodeDelta } from '../index.ts';
import { decodeSnapshot, encodeSnapshot } from '../snapshots.ts';
import {
  type CodebookDelta,
  type CodebookRowsDelta,
  changedCodebook,
  emptyCodebook,
  type Replacement,
  rowAddresses,
} from './rows.ts';

const place = { site: 'mlp_out', layer: 1 } as const;
const [keySize, valueSize] = [3, 2];
const empty = emptyCodebook(place, keySize, valueSize);

interface Row {
  readonly seed: number;
  readonly radius: number;
  readonly replacement?: Replacement;
}

const arrayOf = (seed: number, size: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(seed * 10 + i));

function change(
  rows: readonly Row[],
  replaces: readonly (string | null)[] = rows.map(() => null),
  resized: readonly (readonly [string, number])[] = [],
): CodebookRowsDelta {
  return {
    kind: 'codebook_rows',
    ...place,
    keySize,
    valueSize,
    keys: Float32Array.from(rows.flatMap(({ seed }) => [...arrayOf(seed, keySize)])),
    values: Float32Array.from(rows.flatMap(({ seed }) => [...arrayOf(seed, valueSize)])),
    radii: Float32Array.from(rows, ({ radius }) => radius),
    labels: rows.map(({ seed }) => `${seed}`),
    replacements: rows.map(({ replacement = 'last' }) => replacement),
    replaces,
    resized: resized.map(([address]) => address),
    resizedRadii: Float32Array.from(resized, ([, radius]) => radius),
  };
}

const seedsAndRadii = ({ labels, radii }: CodebookDelta) => labels.map((label, i) => [Number(label), radii[i]]);

describe('a change of rows', () => {
  const three = changedCodebook(empty, change([1, 2, 3].map((seed) => ({ seed, radius: 1 }))));
  const addresses = rowAddresses(three);

  it('adds, replaces and resizes rows, and leaves the book before it as it was', () => {
    const kept = structuredClone(three);
    const delta = change(
      [
        { seed: 4, radius: 0.5 },
        { seed: 5, radius: 0.25, replacement: 'prompt' },
      ],
      [null, addresses[1]!],
      [[addresses[0]!, 0.75]],
    );
    const book = changedCodebook(three, delta);
    expect(seedsAndRadii(book)).toEqual([
      [1, 0.75],
      [5, 0.25],
      [3, 1],
      [4, 0.5],
    ]);
    expect(book.replacements).toEqual(['last', 'prompt', 'last', 'last']);
    for (const [row, seed] of [1, 5, 3, 4].entries()) {
      expect(book.keys.slice(row * keySize, (row + 1) * keySize)).toEqual(arrayOf(seed, keySize));
      expect(book.values.slice(row * valueSize, (row + 1) * valueSize)).toEqual(arrayOf(seed, valueSize));
    }
    expect(three).toEqual(kept);
  });

  it('stands without the row that it once touched: a replacing row is added, a radius passed over', () => {
    const without = changedCodebook(empty, change([{ seed: 1, radius: 1 }]));
    const replaced = changedCodebook(without, change([{ seed: 5, radius: 2 }], [addresses[1]!], [[addresses[2]!, 9]]));
    expect(seedsAndRadii(replaced)).toEqual([
      [1, 1],
      [5, 2],
    ]);
  });

  it('knows a row by all it holds but its radius', () => {
    const rowOf = (row: Row) => rowAddresses(change([row]))[0];
    const address = rowOf({ seed: 1, radius: 1 });
    expect(rowOf({ seed: 1, radius: 2 })).toBe(address);
    expect(rowOf({ seed: 2, radius: 1 })).not.toBe(address);
    expect(rowOf({ seed: 1, radius: 1, replacement: 'prompt' })).not.toBe(address);
    expect(addresses[0]).toBe(address);
  });

  it('comes back from its bytes, which hold its own rows alone', () => {
    const delta = change([{ seed: 7, radius: 1, replacement: 'prompt' }], [addresses[0]!], [[addresses[1]!, 0.5]]);
    expect(decodeDelta(encodeDelta(delta))).toEqual(delta);
    let book = empty;
    const sizes = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
      const one = change([{ seed, radius: 1 }]);
      book = changedCodebook(book, one);
      return encodeDelta(one).byteLength;
    });
    expect(new Set(sizes).size).toBe(1);
    expect(book.labels).toHaveLength(8);
  });

  it('is refused where its parts are not as many', () => {
    const good = change([{ seed: 1, radius: 1 }]);
    const malformed = expect.objectContaining({ code: 'delta_malformed' }) as never;
    expect(() => encodeDelta({ ...good, replaces: [] })).toThrow(malformed);
    expect(() => encodeDelta({ ...good, resized: [addresses[0]!] })).toThrow(malformed);
    expect(() => decodeDelta(encodeDelta({ ...good, replaces: ['not an address'] }))).toThrow(malformed);
  });
});

it('any chain of changes gives the book that a list of rows gives, whatever views of its middle were taken', () => {
  const step = fc.record({
    rows: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 0, maxLength: 3 }),
    at: fc.nat(30),
    replaces: fc.boolean(),
    radius: fc.constantFrom(0.25, 0.5, 2),
    again: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let book = empty;
      let model: { seed: number; radius: number }[] = [];
      const seen: [CodebookDelta, typeof model][] = [];
      for (const [n, { rows: count, at, replaces, radius, again }] of steps.entries()) {
        const rows = count.map((_, i) => ({ seed: 100 * n + i + 1, radius }));
        const target = model.length === 0 ? undefined : at % model.length;
        const address = target === undefined ? null : rowAddresses(book)[target]!;
        const delta = change(
          rows,
          rows.map((_, i) => (i === 0 && replaces ? address : null)),
          address === null || replaces ? [] : [[address, radius]],
        );
        if (again) changedCodebook(book, { ...delta, keys: delta.keys.map((x) => -x) });
        const next = model.map((row, i) => (i === target && !replaces ? { ...row, radius } : row));
        for (const [i, row] of rows.entries()) {
          if (i === 0 && replaces && target !== undefined) next[target] = row;
          else next.push(row);
        }
        book = changedCodebook(book, delta);
        model = next;
        seen.push([book, model]);
      }
      for (const [then, rows] of seen) {
        expect(seedsAndRadii(then)).toEqual(rows.map(({ seed, radius }) => [seed, radius]));
        expect(then.keys).toEqual(Float32Array.from(rows.flatMap(({ seed }) => [...arrayOf(seed, keySize)])));
        expect(rowAddresses({ ...then })).toEqual(rowAddresses(then));
      }
    }),
    { numRuns: 100 },
  );
});

describe('growing arrays', () => {
  it('share memory with what they grew from, and never write over what another sees', () => {
    const start = appended(new Float32Array(0), Float32Array.of(1, 2));
    const longer = appended(start, Float32Array.of(3));
    const longest = appended(longer, Float32Array.of(4));
    expect(longest.buffer).toBe(longer.buffer);
    const other = appended(longer, Float32Array.of(5));
    expect(other.buffer).not.toBe(longer.buffer);
    expect(appended(longer, Float32Array.of(4)).buffer).toBe(longer.buffer);
    expect([start, longer, longest, other].map((array) => [...array])).toEqual([
      [1, 2],
      [1, 2, 3],
      [1, 2, 3, 4],
      [1, 2, 3, 5],
    ]);
  });
});

describe('what was stored before rows were', () => {
  const fixture = (name: string) => readFileSync(new URL(`../../fixtures/codebooks/${name}`, import.meta.url));
  const digest = '1dd753c2bbf9a35e0449a7509655e2e7b53ccb89c7ad75014cc1f23ab307e647';

  it('a whole book is read, has the digest it had, and supersedes what came before it', () => {
    const bytes = fixture('whole-book.safetensors');
    const book = decodeDelta(bytes) as CodebookDelta;
    expect(book).toMatchObject({ kind: 'codebook', site: 'mlp_out', layer: 1, keySize: 6, valueSize: 4 });
    expect(book.labels).toEqual(['5 6', '7', 'zweites "Etikett"']);
    expect([...book.radii]).toEqual([1, 0.5, 0.25]);
    expect(book.replacements).toEqual(['last', 'last', 'last']);
    expect(deltaDigest(book)).toBe(digest);
    expect(Buffer.from(encodeDelta(book)).equals(bytes)).toBe(true);
  });

  it('a snapshot is read, and written to the same bytes', () => {
    const bytes = fixture('snapshot.safetensors');
    const snapshot = decodeSnapshot(parseSafetensors(bytes));
    expect([...snapshot.state.memories.values()]).toEqual([decodeDelta(fixture('whole-book.safetensors'))]);
    expect(Buffer.concat([...encodeSnapshot(snapshot)]).equals(bytes)).toBe(true);
  });
});
