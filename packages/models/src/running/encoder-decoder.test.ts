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
  mulDims,
  neg,
  reduceSum,
  reshape,
  type Tensor,
} from '@errata/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { relativeBuckets } from '../architectures/blocks/positions.ts';
import { buildDecoder } from '../architectures/decoder.ts';
import { loadCheckpoint } from '../files/checkpoint.ts';
import { worstDifference } from '../tiny-models.fixture.ts';
import { encoderFeeds } from './encoder-feeds.ts';
import { indices } from './feeds.ts';
import { causalBias } from './masks.ts';
import { type Model, openModel } from './model.ts';
import { sampler } from './sampling.ts';
import type { ScoreItem } from './score.ts';
import type { View } from './view.ts';

const fixtures = fileURLToPath(new URL('../fixtures/encoder-decoders/', import.meta.url));
const readJson = <T>(path: string): T => JSON.parse(readFileSync(`${fixtures}${path}`, 'utf8')) as T;

interface Expected {
  readonly items: readonly { readonly input: readonly number[]; readonly target: readonly number[] }[];
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

/** The inputs of a whole pass over the decoder, and the encoder's own. */
const wholeInputs = () => ({
  batch: 'B',
  time: 'T',
  start: { kind: 'ids', ids: input('ids', 'int32', [mulDims('B', 'T')]) } as const,
  positions: input('positions', 'int32', [mulDims('B', 'T')]),
  bias: input('bias', 'float32', ['B', 1, 'T', 'T']),
});

const wholeFeeds = ({ spec }: View, { prompt, target }: ScoreItem) => ({
  ...encoderFeeds(spec.over!.encoder, [{ ids: prompt }]),
  ids: indices([spec.over!.firstToken, ...target.slice(0, -1)]),
  positions: indices(target.map((_, place) => place)),
  bias: float32([1, 1, target.length, target.length], causalBias(1, target.length)),
});

for (const { name } of families) {
  describe(name, () => {
    const expected = readJson<Expected>(`${name}/expected.json`);
    const items = expected.items.map(({ input: prompt, target }): ScoreItem => ({ prompt, target }));
    const prompts = items.map(({ prompt }) => prompt);
    let model: Model;
    let view: View;
    beforeAll(async () => {
      const checkpoint = await loadCheckpoint(`${fixtures}${name}`);
      model = openModel(checkpoint);
      view = model.view();
      checkpoint.close();
    });
    afterAll(() => model.release());

    /** Logits of each token of a target in its place, without caches. */
    const logitsOf = async (item: ScoreItem) => {
      const program = await view.program('logits', (weight) => ({
        logits: buildDecoder(view.spec, { ...wholeInputs(), weight }).logits(),
      }));
      const feeds = wholeFeeds(view, item);
      const taken = Object.fromEntries(Object.entries(feeds).filter(([feed]) => program.takes(feed)));
      return float32Data((await program.run(taken)).logits!);
    };

    it('has the logits of transformers', async () => {
      for (const [i, item] of items.entries()) {
        expect(worstDifference(await logitsOf(item), expected.logits[i]!)).toBeLessThan(1e-4);
        const [next] = await view.nextLogits([item.prompt]);
        expect(worstDifference(next!, expected.logits[i]!.slice(0, view.spec.vocab))).toBeLessThan(1e-4);
      }
    });

    it('scores what it would say, and what it would not, in a batch of unlike lengths and alone', async () => {
      const { vocab } = view.spec;
      const scores = await view.score(items);
      for (const [i, { target }] of items.entries()) {
        const logits = expected.logits[i]!;
        const rows = target.map((_, t) => logits.slice(t * vocab, (t + 1) * vocab));
        const wanted = target.map((token, t) => {
          const sum = rows[t]!.reduce((total, logit) => total + Math.exp(logit), 0);
          return rows[t]![token]! - Math.log(sum);
        });
        expect(worstDifference(scores[i]!.logProbs, wanted)).toBeLessThan(1e-4);
        expect([...scores[i]!.best]).toEqual(rows.map((row) => row.indexOf(Math.max(...row))));
        const [alone] = await view.score([items[i]!]);
        expect(worstDifference(scores[i]!.logProbs, [...alone!.logProbs])).toBeLessThan(1e-5);
      }
    });

    it('generates token by token over both caches what transformers generates', async () => {
      const maxTokens = expected.greedy[0]!.length;
      const heard: number[][] = prompts.map(() => []);
      const out = await view.generate(prompts, { maxTokens, onToken: (i, token) => heard[i]!.push(token) });
      expect(out).toEqual(expected.greedy.map((tokens) => ({ tokens, finish: 'length' })));
      expect(heard).toEqual(expected.greedy);
      const [alone] = await view.generate([prompts[1]!], { maxTokens });
      expect(alone!.tokens).toEqual(expected.greedy[1]);
      const asked = prompts.map((prompt) => ({ view, prompt }));
      expect(await model.generate(asked, { maxTokens })).toEqual(out);
    });

    it('replies as it scores and generates', async () => {
      const replies = await view.reply(items.map(({ prompt, target }) => ({ prompt, targets: [target], tokens: 3 })));
      const scores = await view.score(items);
      for (const [i, { scores: found, greedy }] of replies.entries()) {
        expect(found).toEqual([scores[i]]);
        expect(greedy).toEqual(expected.greedy[i]!.slice(0, 3));
      }
    });

    it('gives every token over its caches the logits that it has without them', async () => {
      const sampled = await view.generate(prompts, { maxTokens: 12, temperature: 1, seed: 5 });
      const { vocab } = view.spec;
      for (const [i, { tokens }] of sampled.entries()) {
        expect(new Set(tokens).size).toBeGreaterThan(3);
        const logits = await logitsOf({ prompt: prompts[i]!, target: tokens });
        const choose = sampler({ temperature: 1, seed: 5, stream: i });
        expect(tokens.map((_, t) => choose(logits.slice(t * vocab, (t + 1) * vocab)))).toEqual(tokens);
      }
    });

    it('measures texts, each stretch said to the one before it, and knows nothing of the tokens of prompts', async () => {
      const text = [...items[0]!.prompt, ...items[0]!.target];
      const { tokens, meanNegativeLogProb } = await view.perplexity(text);
      const [first] = await view.score([{ prompt: text.slice(0, 1), target: text.slice(1) }]);
      expect(tokens).toBe(text.length - 1);
      expect(meanNegativeLogProb).toBeCloseTo(-first!.logProbs.reduce((a, b) => a + b, 0) / tokens, 4);
      await expect(view.promptLogProbs([text], 1)).rejects.toMatchObject({ code: 'sequence_unscored' });
    });

    it('samples each input from a stream of its own, and ends at a stop token', async () => {
      const options = { maxTokens: 12, temperature: 1, seed: 3 };
      const together = await view.generate(prompts, options);
      const [second] = await view.generate([prompts[1]!], { ...options, streams: [1] });
      expect(together[1]).toEqual(second);
      const stop = together[1]!.tokens[4]!;
      const [stopped] = await view.generate([prompts[1]!], { ...options, streams: [1], stop: [stop] });
      expect(stopped).toEqual({ tokens: second!.tokens.slice(0, second!.tokens.indexOf(stop)), finish: 'stop' });
    });

    it('has the gradients of torch with respect to every parameter', async () => {
      const { spec } = view;
      const wanted = Object.keys(expected.gradients);
      const learned = [...spec.parameters.keys()].filter((parameter) => parameter !== spec.over!.logitsBias);
      expect(wanted.toSorted()).toEqual(learned.toSorted());
      const program = await view.program(
        'gradients',
        (weight) => {
          const { logits } = buildDecoder(spec, { ...wholeInputs(), weight });
          const targets = reshape(input('targets', 'int32', [mulDims('B', 'T')]), [mulDims('B', 'T'), 1]);
          const loss = neg(reduceSum(gatherElements(logSoftmax(logits()), targets, 1)));
          const outputs: Record<string, Tensor> = { loss };
          for (const [i, slope] of gradients(loss, wanted.map(weight)).entries()) outputs[`d ${wanted[i]}`] = slope;
          return outputs;
        },
        wanted,
      );
      const totals = new Map<string, Float32Array>();
      let loss = 0;
      for (const item of items) {
        const feeds = { ...wholeFeeds(view, item), targets: indices(item.target) };
        const out = await program.run(
          Object.fromEntries(Object.entries(feeds).filter(([feed]) => program.takes(feed))),
        );
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
      const { vocab } = view.spec;
      const refused = (item: ScoreItem) => view.score([item]);
      await expect(refused({ prompt: [], target: [1] })).rejects.toMatchObject({ code: 'sequence_empty' });
      await expect(refused({ prompt: [1], target: [] })).rejects.toMatchObject({ code: 'sequence_empty' });
      await expect(refused({ prompt: [vocab], target: [1] })).rejects.toMatchObject({ code: 'sequence_id_unknown' });
      await expect(refused({ prompt: [1], target: [vocab] })).rejects.toMatchObject({ code: 'sequence_id_unknown' });
      await expect(view.generate([[1]], { maxTokens: -1 })).rejects.toThrow(/maxTokens/);
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
