// Embedded rows: what is stored of them, what they add up to, and which of them a prompt is given.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { realModel } from '../../../../../test/support/real-models.ts';
import { writeTinySentenceEncoder } from '../../../../../test/support/tiny-sentence-encoder.ts';
import { loadCheckpoint } from '../../files/checkpoint.ts';
import { parseSafetensors } from '../../files/safetensors.ts';
import { openEncoder } from '../../running/encoder.ts';
import { decodeSentenceEncoder, encodeSentenceEncoder } from '../../sentences/sentence-encoder.ts';
import { tokenizerFromJson } from '../../text/load-tokenizer.ts';
import { fixturePath, openTiny, randomArray } from '../../tiny-models.fixture.ts';
import { decodeDelta, deltaDigest, encodeDelta, rowNamesOf } from '../index.ts';
import { decodeSnapshot, encodeSnapshot } from '../snapshots.ts';
import { installDeltas, memoryAt, type VersionState } from '../state.ts';
import { changedEmbeddedRows } from './changed-rows.ts';
import { nearRows } from './nearest.ts';
import { embeddedReading, heldSentenceEncoder, unitVector } from './reading.ts';
import { type EmbeddedRow, type EmbeddedRowsDelta, embeddedVectors } from './rows.ts';

const { path, remove } = writeTinySentenceEncoder();
afterAll(remove);
const checkpoint = await loadCheckpoint(path);
const bytes = encodeSentenceEncoder(checkpoint);
const sha256 = createHash('sha256').update(bytes).digest('hex');

const model = await openTiny('gpt2-tied');

/** A vector of length 1. */
function direction(size: number, stream: number): Float32Array {
  const numbers = randomArray(size, stream, 1);
  const length = Math.hypot(...numbers);
  return numbers.map((x) => x / length);
}

const row = (prompt: string, more: Partial<EmbeddedRow> = {}): EmbeddedRow => ({
  encoder: 'a'.repeat(64),
  prompt,
  text: `${prompt} Oslo. `,
  threshold: 0.5,
  top_k: 1,
  vector: direction(6, prompt.length),
  ...more,
});
const anna = row('Anna lives in');
const other = row("Hunger's author is", { encoder: 'b'.repeat(64), vector: direction(9, 1) });
const change = (...rows: EmbeddedRow[]): EmbeddedRowsDelta => ({ kind: 'embedded_rows', rows });
const installed = (...deltas: EmbeddedRowsDelta[]): VersionState => installDeltas(model.spec, model.base, deltas);
const rowsOf = (...deltas: EmbeddedRowsDelta[]) =>
  memoryAt(installed(...deltas).memories, 'embedded_rows', 'prompt')?.rows ?? [];

describe('embedded rows', () => {
  it('come back from their bytes, which depend on nothing else, and from a snapshot', () => {
    const delta = change(anna, other);
    expect(decodeDelta(encodeDelta(delta))).toEqual(delta);
    const turned = Object.fromEntries(Object.entries(anna).reverse()) as unknown as EmbeddedRow;
    expect(deltaDigest(change(turned, other))).toBe(deltaDigest(delta));
    const state = installed(change(other), change(anna));
    const snapshot = Buffer.concat([...encodeSnapshot({ model: 'a', version: 'ver_b', state })]);
    expect(decodeSnapshot(parseSafetensors(snapshot)).state).toEqual(state);
  });

  it('add up in any order, one a prompt, the latest; taking one away leaves the others as they were', () => {
    const rows = ['Anna', 'Boris', 'Clara', 'Dmitri'].map((name) => row(`${name} lives in`));
    fc.assert(
      fc.property(fc.shuffledSubarray(rows, { minLength: 1 }), (some) => {
        expect(rowsOf(...some.map((one) => change(one)))).toEqual(rows.filter((one) => some.includes(one)));
        const [first, ...rest] = some;
        const again = { ...first!, text: 'new' };
        expect(rowsOf(...some.map((one) => change(one)), change(again))).toEqual(
          rowsOf(change(again), ...rest.map((one) => change(one))),
        );
      }),
    );
  });

  it('are refused where they are none, two are of one prompt, or vectors of one encoder differ in width', () => {
    const malformed = expect.objectContaining({ code: 'delta_malformed' }) as never;
    for (const wrong of [change(anna, { ...anna, text: 'other' }), change(anna, row('b', { vector: direction(5, 1) }))])
      expect(() => encodeDelta(wrong)).toThrow(malformed);
    expect(() => encodeDelta(change({ ...anna, vector: new Float32Array(0) }))).toThrow(malformed);
    for (const wrong of [{ threshold: 2 }, { top_k: 0 }, { text: '' }, { encoder: 'a' }])
      expect(() => decodeDelta(encodeDelta(change({ ...anna, ...wrong })))).toThrow(malformed);
  });

  it('are part of a version, of its digest and of how it differs', () => {
    const [plain, one] = [model.view(), model.view([change(anna)])];
    expect(one.weightsDigest()).not.toBe(plain.weightsDigest());
    expect(one.with([change({ ...anna, text: 'Anna' })]).weightsDigest()).not.toBe(one.weightsDigest());
    expect(model.restore(one.state()).weightsDigest()).toBe(one.weightsDigest());
  });
});

describe('the search among vectors', () => {
  it('finds what looking at every row finds, each by its own threshold', async () => {
    const rows = Array.from({ length: 200 }, (_, i) =>
      row(`${i}`, { vector: direction(12, i), threshold: ((i * 37) % 100) / 100 }),
    );
    for (let query = 300; query < 310; query++) {
      const asked = direction(12, query);
      const expected = rows.flatMap((one) => {
        const similarity = one.vector.reduce((sum, x, i) => sum + x * asked[i]!, 0);
        return similarity >= one.threshold ? [{ row: one, similarity }] : [];
      });
      const [set] = embeddedVectors.sets(rows).values();
      expect(await nearRows(set!, asked)).toEqual(expected);
      expect(expected.length).toBeGreaterThan(0);
    }
  });
});

describe('vectors that versions share', () => {
  it('are those of the version, whatever others grew from the same and what was replaced', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const step = fc.record({ from: fc.nat(), rows: fc.uniqueArray(fc.constantFrom(...names), { maxLength: 3 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const versions: (readonly EmbeddedRow[])[] = [[]];
        embeddedVectors.sets(versions[0]!);
        for (const [at, { from, rows }] of steps.entries()) {
          const further = rows.map((prompt, i) =>
            row(prompt, { vector: direction(4, 10 * at + i), encoder: (i === 2 ? 'b' : 'a').repeat(64) }),
          );
          versions.push(changedEmbeddedRows(versions[from % versions.length]!, further).rows);
        }
        for (const version of versions) {
          const seen: EmbeddedRow[] = [];
          for (const [encoder, { matrix, rows }] of embeddedVectors.sets(version))
            for (const [at, one] of rows.entries()) {
              if (one === undefined) continue;
              expect(one.encoder).toBe(encoder);
              expect(matrix.slice(4 * at, 4 * (at + 1))).toEqual(one.vector);
              seen.push(one);
            }
          expect([...embeddedVectors.sets(version).keys()].sort()).toEqual(
            [...new Set(version.map((one) => one.encoder))].sort(),
          );
          expect(seen.sort((a, b) => (a.prompt < b.prompt ? -1 : 1))).toEqual(version);
        }
      }),
    );
  });
});

describe('a sentence encoder as one file', () => {
  it('makes the vectors of its checkpoint, bit for bit, and is the same file every time', async () => {
    expect(encodeSentenceEncoder(checkpoint)).toEqual(bytes);
    const texts = ['Anna lives in Oslo', 'the city of Lima'];
    expect(await decodeSentenceEncoder(bytes).embed(texts)).toEqual(await openEncoder(checkpoint).embed(texts));
  });

  it('is refused where it is none', () => {
    for (const damaged of [
      encodeDelta(change(anna)),
      Buffer.from(Buffer.from(bytes).toString('latin1').replace('"hidden_size', '"hidden_sizf'), 'latin1'),
    ])
      expect(() => decodeSentenceEncoder(damaged)).toThrow();
    expect(() => decodeSentenceEncoder(encodeDelta(change(anna)))).toThrow(
      expect.objectContaining({ code: 'content_malformed' }) as never,
    );
  });
});

describe('reading', () => {
  const tokenizer = tokenizerFromJson(JSON.parse(readFileSync(fixturePath('tokenizers/llama.json'), 'utf8')));
  const own = { spec: model.spec, tokenizer, base: model.base, contents: model.contents };
  const asked = async (rows: readonly EmbeddedRow[], text: string) =>
    embeddedReading(rows).front([...tokenizer.prefixIds, ...tokenizer.encode(text)], own);

  it('gives a prompt the text of the row that is near enough, and nothing to others', async () => {
    await expect(asked([row('a', { encoder: sha256 })], 'anna')).rejects.toMatchObject({ code: 'content_missing' });
    const takeBack = model.contents.lend(sha256, bytes);
    const encoder = await heldSentenceEncoder(model.contents, sha256);
    const rows = await Promise.all(
      ['anna lives in', 'the city of lima is'].map(async (prompt) =>
        row(prompt, { encoder: sha256, vector: await unitVector(encoder, prompt), threshold: 0.999 }),
      ),
    );
    for (const one of rows)
      expect(await asked(rows, one.prompt)).toEqual({ kind: 'ids', ids: tokenizer.encode(one.text) });
    expect(await asked(rows, 'boris speaks french')).toBeNull();
    const both = rows.map((one) => ({ ...one, threshold: -1, top_k: 2 }));
    expect(await asked(both, 'anna lives in')).toEqual({
      kind: 'ids',
      ids: tokenizer.encode(`${rows[1]!.text}${rows[0]!.text}`),
    });
    const speaking = (text: string) =>
      embeddedReading(both).speaking!([...tokenizer.prefixIds, ...tokenizer.encode(text)], own);
    const spoken = await speaking('anna lives in');
    expect(spoken).toEqual({
      row: rowNamesOf(change(both[0]!))[0],
      score: expect.closeTo(1, 5) as number,
      threshold: -1,
    });
    takeBack();
  });
});

const minilm = realModel('minilm');
describe.skipIf(minilm === undefined)('all-MiniLM-L6-v2 as one file', () => {
  it('makes the vectors of its checkpoint', async () => {
    const real = await loadCheckpoint(minilm!);
    const [ours, theirs] = [decodeSentenceEncoder(encodeSentenceEncoder(real)), openEncoder(real)];
    const texts = ['The capital of France is', 'What is the capital city of France?'];
    expect(ours.settings).toEqual(theirs.settings);
    expect(await ours.embed(texts)).toEqual(await theirs.embed(texts));
    real.close();
  });
});
