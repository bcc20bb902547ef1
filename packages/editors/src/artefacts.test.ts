// Second moments and context prefixes: what is computed, how it is stored, and that a broken-off build ends as an unbroken one.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { captureName, type Model, tokenizerFromJson } from '@errata/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryArtefactStore, openArtefacts, secondMomentKey } from './artefacts.ts';
import { fileDigest, tokenWindows } from './statistics/corpus.ts';
import {
  buildSecondMoments,
  decodeMomentSums,
  encodeMomentSums,
  type MomentProgress,
  type MomentRequest,
} from './statistics/moment-sums.ts';
import { decodeSecondMoment, encodeSecondMoment, invertMoment, type SecondMoment } from './statistics/second-moment.ts';
import { decodeContextPrefixes, encodeContextPrefixes, starters } from './texts/context-prefixes.ts';
import { contextPrefixes } from './texts/preparation.ts';
import { randoms, tinyGpt2, tinyLlama, tinyModel } from './tiny-model.fixture.ts';

let folder: string;
let corpus: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'errata-corpus-'));
  corpus = join(folder, 'corpus.txt');
  const words = 'Anna Boris Clara lives in plays the cello drums of Oslo Kyoto and speaks Polish French'.split(' ');
  const next = randoms(3);
  const line = () => Array.from({ length: 12 }, () => words[Math.floor(((next() + 1) / 2) * words.length)]).join(' ');
  writeFileSync(corpus, `${Array.from({ length: 2200 }, line).join('.\n')}.\n`);
});
afterAll(() => rmSync(folder, { recursive: true }));

const request = (model: Model, more: Partial<MomentRequest> = {}): MomentRequest => ({
  model,
  digest: model.digest!,
  layers: [0, 2],
  corpus,
  ...more,
});

describe('second moments', () => {
  it('are the mean of k k^T over every token of the text, and invert it', async () => {
    const model = tinyModel(tinyGpt2, 5);
    const [, moment] = await buildSecondMoments(request(model, { tokens: 1000 }));
    const windows: number[][] = [];
    for await (const window of tokenWindows(model.tokenizer!, corpus, model.spec.context)) {
      if (windows.length * model.spec.context >= 1000) break;
      windows.push([...window]);
    }
    const at = { site: 'mlp_key', layer: 2 } as const;
    const keys = (await model.view().activations(windows, [at], 'all')).get(captureName(at))!;
    const n = model.spec.mlpWidth;
    const count = keys.length / n;
    expect(moment!.provenance).toEqual({
      format: 'errata-second-moment/2',
      model: model.digest,
      layer: 2,
      tokens: count,
      corpus_sha256: await fileDigest(corpus),
      statistic: 'mean',
      centred: false,
      jitter: moment!.provenance.jitter,
    });
    for (const [i, j] of [
      [0, 0],
      [3, 17],
      [39, 2],
    ] as const) {
      let sum = 0;
      for (let t = 0; t < count; t++) sum += keys[t * n + i]! * keys[t * n + j]!;
      expect(moment!.moment[i * n + j]).toBeCloseTo(sum / count, 10);
    }
    for (let i = 0; i < n; i += 7) {
      let product = 0;
      for (let k = 0; k < n; k++)
        product +=
          (moment!.moment[i * n + k]! + (k === i ? moment!.provenance.jitter : 0)) * moment!.inverse[k * n + i]!;
      expect(product).toBeCloseTo(1, 4);
    }
  });

  it('tokenise a text as a whole, in pieces too: no space is put in front of a line', async () => {
    const llama = new URL('../../models/src/fixtures/tokenizers/llama.json', import.meta.url);
    const tokenizer = tokenizerFromJson(JSON.parse(readFileSync(llama, 'utf8')));
    const lines = readFileSync(corpus, 'utf8').split('\n');
    // Lines that begin with blanks, and runs of line breaks, among them where pieces end.
    const text = lines.map((line, i) => `${['', ' ', '   ', '\n\n'][i % 4]}${line}\n`).join('');
    expect(text.length).toBeGreaterThan(2 * 2 ** 16);
    const path = join(folder, 'lines.txt');
    writeFileSync(path, text.replaceAll('\n', '\r\n'));
    const read: number[] = [];
    for await (const window of tokenWindows(tokenizer, path, 50)) {
      expect([...window.subarray(0, tokenizer.prefixIds.length)]).toEqual([...tokenizer.prefixIds]);
      read.push(...window.subarray(tokenizer.prefixIds.length));
    }
    expect(tokenizer.decodeContinuation(read)).toBe(` ${text}`);
    expect(read).toEqual(tokenizer.encode(text));
  });

  it('that an earlier release measured are still read, for what was made with them', async () => {
    const model = tinyModel(tinyGpt2, 5);
    const [{ provenance, ...rest }] = (await buildSecondMoments(request(model, { layers: [1], tokens: 500 }))) as [
      SecondMoment,
    ];
    const old: SecondMoment = { ...rest, provenance: { ...provenance, format: 'errata-second-moment/1' } };
    expect(decodeSecondMoment(encodeSecondMoment(old))).toEqual(old);
    // A store that a release of then filled has them under another name.
    const store = memoryArtefactStore();
    await store.put(`second-moment/${model.digest}/1`, encodeSecondMoment(old));
    await expect(openArtefacts(store, model.digest!).secondMoment(1)).rejects.toMatchObject({
      code: 'artefact_missing',
    });
  });

  it('survive storing, and belong to their model alone', async () => {
    const model = tinyModel(tinyLlama, 5);
    const [moment] = await buildSecondMoments(request(model, { layers: [1], tokens: 500 }));
    expect(decodeSecondMoment(encodeSecondMoment(moment!))).toEqual(moment);
    const store = memoryArtefactStore();
    await store.put(secondMomentKey(model.digest!, 1), encodeSecondMoment(moment!));
    expect((await openArtefacts(store, model.digest!).secondMoment(1)).inverse).toEqual(moment!.inverse);
    await store.put(secondMomentKey('another', 1), encodeSecondMoment(moment!));
    await expect(openArtefacts(store, 'another').secondMoment(1)).rejects.toMatchObject({ code: 'artefact_missing' });
    await expect(openArtefacts(store, model.digest!).secondMoment(0)).rejects.toMatchObject({
      code: 'artefact_missing',
    });
  });

  it('come out the same, bit for bit, when the build is broken off and resumed', async () => {
    const model = tinyModel(tinyGpt2, 5);
    const whole = await buildSecondMoments(request(model));
    const stop = new AbortController();
    let kept: Uint8Array | undefined;
    const broken = buildSecondMoments(
      request(model, {
        signal: stop.signal,
        onCheckpoint: (sums) => {
          kept = encodeMomentSums(sums);
          stop.abort(new Error('power cut'));
        },
      }),
    );
    await expect(broken).rejects.toThrow('power cut');
    const resumed = await buildSecondMoments(request(model, { resume: decodeMomentSums(kept!) }));
    expect(resumed).toEqual(whole);
    const misused = buildSecondMoments(request(model, { layers: [1], resume: decodeMomentSums(kept!) }));
    await expect(misused).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('tell how far they are: whole windows of a limit, and the layers one by one', async () => {
    const model = tinyModel(tinyGpt2, 5);
    for (const limited of [{ tokens: 1000 }, { tokens: 10_000_000 }, {}]) {
      const told: MomentProgress[] = [];
      await buildSecondMoments(request(model, { ...limited, onProgress: (progress) => told.push(progress) }));
      for (const { done, total } of told) expect(done).toBeLessThanOrEqual(total);
      const sums = told.filter(({ phase }) => phase === 'sum');
      expect(sums.at(-1)!.done).toBe(sums.at(-1)!.total);
      const inverted = told.filter(({ phase }) => phase === 'invert');
      expect(inverted.map(({ done, total }) => `${done}/${total}`)).toEqual(['0/2', '1/2']);
    }
  });

  it('want enough tokens, or a ridge that is recorded', async () => {
    const model = tinyModel(tinyGpt2, 5);
    const few = join(folder, 'few.txt');
    writeFileSync(few, 'Anna lives in Oslo');
    await expect(buildSecondMoments(request(model, { corpus: few }))).rejects.toMatchObject({
      code: 'singular_statistics',
    });
    const [moment] = await buildSecondMoments(request(model, { corpus: few, ridge: 1e-3 }));
    const n = moment!.size;
    const diagonal = Array.from({ length: n }, (_, i) => moment!.moment[i * n + i]!).reduce((a, b) => a + b, 0) / n;
    expect(moment!.provenance.jitter).toBeCloseTo(1e-3 * diagonal, 12);
    const absent = buildSecondMoments(request(model, { corpus: join(folder, 'absent.txt') }));
    await expect(absent).rejects.toMatchObject({ code: 'corpus_missing' });
  });

  it('take the smallest jitter with which they invert', async () => {
    const singular = Float64Array.of(1, 1, 1, 1);
    const provenance = { model: 'm', layer: 0, tokens: 10, corpus_sha256: '' };
    const moment = await invertMoment(singular, provenance);
    expect(moment.provenance.jitter).toBeGreaterThan(0);
    expect(moment.provenance.jitter).toBeLessThan(1e-6);
    expect((await invertMoment(Float64Array.of(2, 0, 0, 2), provenance)).provenance.jitter).toBe(0);
  });
});

describe('context prefixes', () => {
  const settings = [[7, 4]] as const;

  it('come from the base model, begin with the starters, and are drawn once', async () => {
    const model = tinyModel(tinyGpt2, 5);
    const artefacts = openArtefacts(memoryArtefactStore(), model.digest!);
    const input = { model, artefacts, seed: 3 };
    const drawn = await contextPrefixes(input, settings);
    expect(drawn.texts).toHaveLength(7);
    for (const [i, text] of drawn.texts.entries()) expect(text.startsWith(starters[i % starters.length]!)).toBe(true);
    expect(await contextPrefixes(input, settings)).toBe(drawn);
    const anew = {
      model: tinyModel(tinyGpt2, 5),
      artefacts: openArtefacts(memoryArtefactStore(), model.digest!),
      seed: 3,
    };
    expect(await contextPrefixes(anew, settings)).toEqual(drawn);
    expect((await contextPrefixes({ ...input, seed: 4 }, settings)).digest).not.toBe(drawn.digest);
  });

  it('are never those of another model', async () => {
    const [one, other] = [tinyModel(tinyGpt2, 5), tinyModel(tinyGpt2, 6)];
    const store = memoryArtefactStore();
    const draw = (model: Model) =>
      contextPrefixes({ model, artefacts: openArtefacts(store, model.digest!), seed: 3 }, settings);
    const [a, b] = [await draw(one), await draw(other)];
    expect(a.model).toBe(one.digest);
    expect(b.model).toBe(other.digest);
    expect(a.texts).not.toEqual(b.texts);
  });

  it('survive storing, and a changed byte is noticed', async () => {
    const model = tinyModel(tinyGpt2, 5);
    const artefacts = openArtefacts(memoryArtefactStore(), model.digest!);
    const drawn = await contextPrefixes({ model, artefacts, seed: 3 }, settings);
    const bytes = encodeContextPrefixes(drawn);
    expect(decodeContextPrefixes(bytes)).toEqual(drawn);
    const text = new TextDecoder().decode(bytes).replace('"The', '"Tha');
    expect(() => decodeContextPrefixes(new TextEncoder().encode(text))).toThrow(/digest/);
  });
});
