// Second moments: what is computed, how it is stored, and that a broken-off build ends as an unbroken one.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArtefactNeed, canonicalJson } from '@errata/contracts';
import { lowerOf, matrix } from '@errata/graph';
import { captureName, encodeSafetensors, type Model, tokenizerFromJson } from '@errata/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leverages } from '../../solve/share.ts';
import { fileDigest, tokenWindows } from '../../statistics/corpus.ts';
import { randoms, tinyGpt2, tinyLlama, tinyModel } from '../../tiny-model.fixture.ts';
import { openArtefacts } from '../artefacts.ts';
import { buildArtefacts } from '../build.ts';
import { localArtefacts } from '../local.ts';
import { memoryArtefactStore } from '../store.ts';
import { builder } from './build.ts';
import type { Convergence } from './convergence.ts';
import { defaultMomentTokens, secondMomentOf } from './request.ts';
import {
  decodeSecondMoment,
  encodeSecondMoment,
  invertMoment,
  rawFloat64,
  type SecondMoment,
} from './second-moment.ts';
import {
  buildSecondMoments,
  checkpointWindows,
  decodeMomentSums,
  encodeMomentSums,
  type MomentProgress,
  type MomentRequest,
} from './sums.ts';

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

/** All that a build gives. */
async function allMoments(of: MomentRequest) {
  const moments: SecondMoment[] = [];
  const convergence: (Convergence | null)[] = [];
  for await (const built of buildSecondMoments(of)) {
    moments.push(built.moment);
    convergence.push(built.convergence);
  }
  return { moments, convergence };
}

describe('second moments', () => {
  it('are the mean of k k^T over every token of the text, and invert it', async () => {
    const model = tinyModel(tinyGpt2, 5);
    const [, moment] = (await allMoments(request(model, { tokens: 1000 }))).moments;
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
    const llama = new URL('../../../../models/src/fixtures/tokenizers/llama.json', import.meta.url);
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
    const [{ provenance, ...rest }] = (await allMoments(request(model, { layers: [1], tokens: 500 }))).moments as [
      SecondMoment,
    ];
    const old: SecondMoment = { ...rest, provenance: { ...provenance, format: 'errata-second-moment/1' } };
    expect(decodeSecondMoment(encodeSecondMoment(old))).toEqual(old);
  });

  it('survive storing, and belong to their model alone', async () => {
    const model = tinyModel(tinyLlama, 5);
    const [moment] = (await allMoments(request(model, { layers: [1], tokens: 500 }))).moments;
    expect(decodeSecondMoment(encodeSecondMoment(moment!))).toEqual(moment);
    const given = (of: string) =>
      openArtefacts(of, [{ need: secondMomentOf(1), read: async () => encodeSecondMoment(moment!) }]);
    const own = given(model.digest!);
    expect((await own.read(builder, secondMomentOf(1))).inverse).toEqual(moment!.inverse);
    await expect(given('another').read(builder, secondMomentOf(1))).rejects.toMatchObject({ code: 'artefact_missing' });
    await expect(own.read(builder, secondMomentOf(0))).rejects.toMatchObject({ code: 'artefact_missing' });
  });

  it('come out the same, bit for bit, when the build is broken off and resumed', async () => {
    const model = tinyModel(tinyGpt2, 5);
    const whole = await allMoments(request(model));
    const stop = new AbortController();
    let kept: Uint8Array | undefined;
    const broken = allMoments(
      request(model, {
        signal: stop.signal,
        onCheckpoint: (sums) => {
          kept = encodeMomentSums(sums);
          stop.abort(new Error('power cut'));
        },
      }),
    );
    await expect(broken).rejects.toThrow('power cut');
    const resumed = await allMoments(request(model, { resume: decodeMomentSums(kept!) }));
    expect(resumed).toEqual(whole);
    const misused = allMoments(request(model, { layers: [1], resume: decodeMomentSums(kept!) }));
    await expect(misused).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('are found in a folder where an earlier build left them, and built for the layers that it lacks', async () => {
    const model = tinyModel(tinyGpt2, 5);
    const digest = model.digest!;
    const store = memoryArtefactStore();
    const [left] = (await allMoments(request(model, { layers: [1], tokens: 500 }))).moments;
    const file = `errata-second-moment/2/${digest}/${await fileDigest(corpus)}-1-500`;
    await store.put(file, encodeSecondMoment(left!));
    const built: (readonly ArtefactNeed[])[] = [];
    const source = { model, digest, store, corpus, request: { tokens: 500 } };
    const needs = [secondMomentOf(0), secondMomentOf(1)];
    const open = () => localArtefacts(source, needs, { onBuild: (_, missing) => built.push(missing) });
    expect(await (await open()).read(builder, needs[1]!)).toEqual(left);
    expect(await (await open()).read(builder, needs[0]!)).toMatchObject({ provenance: { layer: 0 } });
    expect(built).toEqual([[needs[0]]]);
    await localArtefacts({ ...source, request: { tokens: 500, ridge: 0.01 } }, needs, {
      onBuild: (_, missing) => built.push(missing),
    });
    expect(built).toEqual([[needs[0]], needs]);
  });

  it('go on, without a service too, from where they were broken off', async () => {
    const model = tinyModel(tinyGpt2, 5);
    const source = { model, digest: model.digest!, store: memoryArtefactStore(), corpus };
    const needs = [secondMomentOf(0), secondMomentOf(2)];
    const stop = new AbortController();
    const broken = localArtefacts(source, needs, {
      signal: stop.signal,
      onProgress: ({ done }) => {
        if (done > checkpointWindows * model.spec.context) stop.abort(new Error('power cut'));
      },
    });
    await expect(broken).rejects.toThrow('power cut');
    const read: number[] = [];
    const resumed = await localArtefacts(source, needs, { onProgress: ({ done }) => read.push(done) });
    expect(read[0]).toBeGreaterThan(checkpointWindows * model.spec.context);
    const whole = (await allMoments(request(model, { tokens: defaultMomentTokens }))).moments;
    for (const [index, need] of needs.entries()) expect(await resumed.read(builder, need)).toEqual(whole[index]);
  });

  it('are summed anew where an earlier release was broken off, which kept its sums otherwise', async () => {
    const model = tinyModel(tinyGpt2, 5);
    const size = model.spec.mlpWidth;
    const [format, window] = ['errata-moment-sums/2', model.spec.context];
    const corpus_sha256 = await fileDigest(corpus);
    const header = { format, model: model.digest!, corpus_sha256, layers: [0], window, windows: 256, tokens: 4096 };
    const old = encodeSafetensors(
      new Map([['sum_0', rawFloat64([size, size], new Float64Array(size * size).fill(1))]]),
      {
        metadata: { header: canonicalJson(header) },
      },
    );
    expect(() => decodeMomentSums(old)).toThrow(/lack their header/);
    const kept = memoryArtefactStore();
    const store = { ...kept, get: async (key: string) => (key.startsWith('builds/') ? old : kept.get(key)) };
    const source = { model, digest: model.digest!, store, corpus, request: { tokens: 1000 } };
    const [whole] = (await allMoments(request(model, { layers: [0], tokens: 1000 }))).moments;
    const built = await localArtefacts(source, [secondMomentOf(0)]);
    expect(await built.read(builder, secondMomentOf(0))).toEqual(whole);
  });

  it('tell how far they are: whole windows of a limit, and the layers one by one', async () => {
    const model = tinyModel(tinyGpt2, 5);
    for (const limited of [{ tokens: 1000 }, { tokens: 10_000_000 }, {}]) {
      const told: MomentProgress[] = [];
      await allMoments(request(model, { ...limited, onProgress: (progress) => told.push(progress) }));
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
    await expect(allMoments(request(model, { corpus: few }))).rejects.toMatchObject({
      code: 'singular_statistics',
    });
    const [moment] = (await allMoments(request(model, { corpus: few, ridge: 1e-3 }))).moments;
    const n = moment!.size;
    const diagonal = Array.from({ length: n }, (_, i) => moment!.moment[i * n + i]!).reduce((a, b) => a + b, 0) / n;
    expect(moment!.provenance.jitter).toBeCloseTo(1e-3 * diagonal, 12);
    const absent = allMoments(request(model, { corpus: join(folder, 'absent.txt') }));
    await expect(absent).rejects.toMatchObject({ code: 'corpus_missing' });
  });

  it('take the smallest jitter with which they invert', async () => {
    const singular = lowerOf(matrix(2, 2, Float64Array.of(1, 1, 1, 1)));
    const provenance = { model: 'm', layer: 0, tokens: 10, corpus_sha256: '' };
    const moment = await invertMoment(singular, provenance);
    expect(moment.provenance.jitter).toBeGreaterThan(0);
    expect(moment.provenance.jitter).toBeLessThan(1e-6);
    expect((await invertMoment(lowerOf(matrix(2, 2, Float64Array.of(2, 0, 0, 2))), provenance)).provenance.jitter).toBe(
      0,
    );
  });
});

describe('a second moment that has settled', () => {
  const model = tinyModel(tinyGpt2, 5);

  it('has for keys of other texts the leverage that it has for its own, told without inverting it again', async () => {
    const { moments, convergence } = await allMoments(request(model, { layers: [1], tokens: 2000 }));
    const [whole] = moments;
    const windows: Int32Array[] = [];
    for await (const window of tokenWindows(model.tokenizer!, corpus, model.spec.context)) windows.push(window);
    const { size, provenance } = whole!;
    const read = windows.slice(0, Math.ceil(2000 / model.spec.context)).map((window) => [...window]);
    const count = Math.floor(provenance.tokens / 10);
    const at = { site: 'mlp_key', layer: 1 } as const;
    const keys = (await model.view().activations(read, [at], 'all')).get(captureName(at))!.subarray(-count * size);
    const rows = Array.from({ length: count }, (_, i) => Float64Array.from(keys.subarray(i * size, (i + 1) * size)));
    const left = provenance.tokens - count;
    const without = whole!.moment.map((x, i) => {
      const own = rows.reduce((sum, row) => sum + row[Math.floor(i / size)]! * row[i % size]!, 0);
      return (x * provenance.tokens - own) / left;
    });
    const rest = await invertMoment(
      lowerOf(matrix(size, size, without)),
      { ...provenance, tokens: left },
      { ridge: 0 },
    );
    const mean = async (inverse: Float64Array) =>
      (await leverages(rows, inverse)).reduce((sum, h) => sum + h, 0) / count;
    const expected = (await mean(rest.inverse)) / (await mean(whole!.inverse));
    expect(convergence[0]!.unseen_leverage).toBeCloseTo(expected, 4);
    expect(expected).toBeGreaterThan(1);
  });

  it('comes of more tokens, about as many as were foretold', async () => {
    const foretold: number[] = [];
    const above: number[] = [];
    for (const tokens of [1000, 4000, 16_000]) {
      const { convergence } = await allMoments(request(model, { layers: [1], tokens }));
      above.push(convergence[0]!.unseen_leverage - 1);
      foretold.push(convergence[0]!.enough_tokens);
    }
    expect(above[1]).toBeLessThan(above[0]!);
    expect(above[2]).toBeLessThan(above[1]!);
    expect(foretold[0]! / foretold[2]!).toBeGreaterThan(0.3);
    expect(foretold[0]! / foretold[2]!).toBeLessThan(3);
  });

  it('is told among what is known of it, and not of one that was taken over too little', async () => {
    const needs = [secondMomentOf(1)];
    const details = async (text: string, tokens: number, ridge?: number) => {
      const kept: unknown[] = [];
      await buildArtefacts('second_moment', needs, {
        input: {
          model,
          digest: model.digest!,
          corpus: text,
          brought: async () => undefined,
          request: { tokens, ...(ridge && { ridge }) },
        },
        parents: openArtefacts(model.digest!, []),
        scratch: memoryArtefactStore(),
        keep: async ({ details }) => void kept.push(details),
      });
      return kept[0];
    };
    expect(await details(corpus, 2000)).toMatchObject({
      unseen_leverage: expect.any(Number),
      enough_tokens: expect.any(Number),
    });
    const few = join(folder, 'few-more.txt');
    writeFileSync(few, 'Anna lives in Oslo and Boris in Kyoto');
    expect(await details(few, 30, 1e-3)).not.toHaveProperty('unseen_leverage');
  });
});
