// Encoder-decoders against transformers: logits, outputs and gradients, alone and in batches.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  float32,
  float32Data,
  gatherElements,
  gradients,
  input,
  logSoftmax,
  neg,
  reduceSum,
  reshape,
  type Tensor,
} from '@errata/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { relativeBuckets } from '../architectures/blocks/positions.ts';
import { buildEncoder } from '../architectures/encoder.ts';
import { buildCrossDecoder, offered } from '../architectures/encoder-decoder.ts';
import { loadCheckpoint } from '../files/checkpoint.ts';
import { worstDifference } from '../tiny-models.fixture.ts';
import { crossDecoderInputs, type EncoderDecoder, type OutputItem, openEncoderDecoder } from './encoder-decoder.ts';
import { encoderFeeds, encoderInputs } from './encoder-feeds.ts';
import { indices } from './feeds.ts';
import { causalBias } from './masks.ts';
import { sampler } from './sampling.ts';

const fixtures = fileURLToPath(new URL('../fixtures/encoder-decoders/', import.meta.url));
const readJson = <T>(path: string): T => JSON.parse(readFileSync(`${fixtures}${path}`, 'utf8')) as T;

interface Expected {
  readonly items: readonly OutputItem[];
  /** Of each token of each target, flat. */
  readonly logits: readonly (readonly number[])[];
  /** The first tokens of what is said to each input. */
  readonly greedy: readonly (readonly number[])[];
  /** Sum over all targets of -log p, in nats. */
  readonly loss: number;
  /** Every fifth number of each parameter's gradient. */
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

const families = readdirSync(fixtures, { withFileTypes: true }).filter((entry) => entry.isDirectory());

for (const { name } of families) {
  describe(name, () => {
    const expected = readJson<Expected>(`${name}/expected.json`);
    let model: EncoderDecoder;
    beforeAll(async () => {
      const checkpoint = await loadCheckpoint(`${fixtures}${name}`);
      model = openEncoderDecoder(checkpoint);
      checkpoint.close();
    });
    afterAll(() => model.release());

    it('has the logits of transformers, in a batch of unlike lengths and alone', async () => {
      const together = await model.logits(expected.items);
      for (const [i, item] of expected.items.entries()) {
        expect(worstDifference(together[i]!, expected.logits[i]!)).toBeLessThan(1e-4);
        const [alone] = await model.logits([item]);
        expect(worstDifference(together[i]!, alone!)).toBeLessThan(1e-5);
      }
    });

    it('scores what it would say, and what it would not', async () => {
      const { vocab } = model.spec.decoder;
      const scores = await model.score(expected.items);
      for (const [i, { target }] of expected.items.entries()) {
        const logits = expected.logits[i]!;
        const rows = target.map((_, t) => logits.slice(t * vocab, (t + 1) * vocab));
        const wanted = target.map((token, t) => {
          const sum = rows[t]!.reduce((total, logit) => total + Math.exp(logit), 0);
          return rows[t]![token]! - Math.log(sum);
        });
        expect(worstDifference(scores[i]!.logProbs, wanted)).toBeLessThan(1e-4);
        expect([...scores[i]!.best]).toEqual(rows.map((row) => row.indexOf(Math.max(...row))));
      }
    });

    it('generates token by token over both caches what transformers generates', async () => {
      const inputs = expected.items.map((item) => item.input);
      const maxTokens = expected.greedy[0]!.length;
      const heard: number[][] = inputs.map(() => []);
      const out = await model.generate(inputs, { maxTokens, onToken: (i, token) => heard[i]!.push(token) });
      expect(out).toEqual(expected.greedy.map((tokens) => ({ tokens, finish: 'length' })));
      expect(heard).toEqual(expected.greedy);
      const [alone] = await model.generate([inputs[1]!], { maxTokens });
      expect(alone!.tokens).toEqual(expected.greedy[1]);
    });

    it('gives every token over its caches the logits that it has without them', async () => {
      const inputs = expected.items.map((item) => item.input);
      const sampled = await model.generate(inputs, { maxTokens: 12, temperature: 1, seed: 5 });
      const { vocab } = model.spec.decoder;
      const logits = await model.logits(inputs.map((ids, i) => ({ input: ids, target: sampled[i]!.tokens })));
      for (const [i, { tokens }] of sampled.entries()) {
        expect(new Set(tokens).size).toBeGreaterThan(3);
        const choose = sampler({ temperature: 1, seed: 5, stream: i });
        expect(tokens.map((_, t) => choose(logits[i]!.subarray(t * vocab, (t + 1) * vocab)))).toEqual(tokens);
      }
    });

    it('samples each input from a stream of its own, and ends at a stop token', async () => {
      const inputs = expected.items.map((item) => item.input);
      const options = { maxTokens: 12, temperature: 1, seed: 3 };
      const together = await model.generate(inputs, options);
      const [second] = await model.generate([inputs[1]!], { ...options, streams: [1] });
      expect(together[1]).toEqual(second);
      const stop = together[1]!.tokens[4]!;
      const [stopped] = await model.generate([inputs[1]!], { ...options, streams: [1], stop: [stop] });
      expect(stopped).toEqual({ tokens: second!.tokens.slice(0, second!.tokens.indexOf(stop)), finish: 'stop' });
    });

    it('has the gradients of torch with respect to every parameter', async () => {
      const { spec } = model;
      const wanted = Object.keys(expected.gradients);
      const learned = [...spec.parameters.keys()].filter((parameter) => parameter !== spec.logitsBias);
      expect(wanted.toSorted()).toEqual(learned.toSorted());
      const program = await model.program(
        'gradients',
        (weight) => {
          const encoder = { ...encoderInputs(spec.encoder), weight };
          const { past: _, ...decoder } = crossDecoderInputs(spec);
          const { logits } = buildCrossDecoder(spec, {
            ...decoder,
            // Nothing is cached in training.
            positions: input('positions', 'int32', [spec.decoder.positions.kind === 'relative' ? 'T*T' : 'B*T']),
            bias: input('bias', 'float32', ['B', 1, 'T', 'T']),
            cross: offered(spec, buildEncoder(spec.encoder, encoder), encoder),
            crossBias: encoder.bias,
            weight,
          });
          const targets = reshape(input('targets', 'int32', ['R']), ['R', 1]);
          const loss = neg(reduceSum(gatherElements(logSoftmax(logits()), targets, 1)));
          const outputs: Record<string, Tensor> = { loss };
          for (const [i, slope] of gradients(loss, wanted.map(weight)).entries()) outputs[`d ${wanted[i]}`] = slope;
          return outputs;
        },
        wanted,
      );
      const totals = new Map<string, Float32Array>();
      let loss = 0;
      for (const { input: ids, target } of expected.items) {
        const time = target.length;
        const places = target.map((_, t) => t);
        const { positions } = spec.decoder;
        const out = await program.run({
          ...encoderFeeds(spec.encoder, [{ ids }]),
          ids: indices([spec.firstToken, ...target.slice(0, -1)]),
          positions: indices(
            positions.kind === 'relative'
              ? relativeBuckets(positions, places, places, false)
              : places.map((place) => positions.first + place),
          ),
          bias: float32([1, 1, time, time], causalBias(1, time)),
          rows: indices(places),
          targets: indices(target),
        });
        loss += float32Data(out.loss!)[0]!;
        for (const parameter of wanted) {
          const slope = float32Data(out[`d ${parameter}`]!);
          const total = totals.get(parameter) ?? new Float32Array(slope.length);
          for (const [i, value] of slope.entries()) total[i]! += value;
          totals.set(parameter, total);
        }
      }
      expect(loss / expected.loss).toBeCloseTo(1, 5);
      for (const [parameter, values] of Object.entries(expected.gradients)) {
        const got = totals.get(parameter)!.filter((_, i) => i % 5 === 0);
        const scale = Math.max(1, ...values.map(Math.abs));
        expect(worstDifference(got, values) / scale, parameter).toBeLessThan(1e-4);
      }
    });

    it('refuses what it cannot read', async () => {
      const { vocab } = model.spec.encoder;
      const refused = (item: OutputItem) => model.score([item]);
      await expect(refused({ input: [], target: [1] })).rejects.toMatchObject({ code: 'sequence_empty' });
      await expect(refused({ input: [1], target: [] })).rejects.toMatchObject({ code: 'sequence_empty' });
      await expect(refused({ input: [vocab], target: [1] })).rejects.toMatchObject({ code: 'sequence_id_unknown' });
      await expect(refused({ input: [1], target: [vocab] })).rejects.toMatchObject({ code: 'sequence_id_unknown' });
      await expect(model.generate([[1]], { maxTokens: -1 })).rejects.toThrow(/maxTokens/);
    });
  });
}

it('puts distances into the buckets of the reference', () => {
  const cases =
    readJson<
      readonly {
        readonly buckets: number;
        readonly maxDistance: number;
        readonly laterKeys: boolean;
        readonly of: readonly number[];
      }[]
    >('buckets.json');
  for (const { buckets, maxDistance, laterKeys, of } of cases) {
    const keys = of.map((_, i) => i);
    const middle = (of.length - 1) / 2;
    const got = relativeBuckets({ kind: 'relative', table: '', buckets, maxDistance }, [middle], keys, laterKeys);
    expect([...got], `${buckets} of ${maxDistance}`).toEqual(of);
  }
});
