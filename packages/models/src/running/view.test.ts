// Views against transformers, and versions against each other.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { valueMatrix } from '../architectures/spec.ts';
import type { CodebookDelta } from '../deltas/codebook/rows.ts';
import type { Delta } from '../deltas/index.ts';
import { tokenizerFromVocabAndMerges } from '../text/load-tokenizer.ts';
import {
  expectedOutputs,
  fixturePath,
  openDirectory,
  openTiny,
  randomArray,
  sharedData,
  tinyModels,
  worstDifference,
} from '../tiny-models.fixture.ts';
import { type Model, modelFromWeights } from './model.ts';
import type { View } from './view.ts';

/** log softmax of one row, in float64. */
function logSoftmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const top = Math.max(...values);
  const total = Math.log(values.reduce((sum, x) => sum + Math.exp(x - top), 0)) + top;
  return values.map((x) => x - total);
}

function argMax(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}

for (const name of tinyModels) {
  describe(name, () => {
    const expected = expectedOutputs(name);
    let model: Model;
    let view: View;
    beforeAll(async () => {
      model = await openTiny(name);
      view = model.view();
    });
    afterAll(() => model.release());

    it('has the logits of transformers at every expected row', async () => {
      const all = await view.activations(
        expected.sequences,
        [{ site: 'logits', layer: model.spec.layers - 1 }],
        expected.rows,
      );
      const [got] = [...all.values()];
      expect(worstDifference(got!, expected.logits.flat())).toBeLessThan(1e-4);
    });

    it('has them too where its programs store no matrices, as those of a large model do', async () => {
      const sharing = await openTiny(name, { storeMatrices: false });
      const all = await sharing
        .view()
        .activations(expected.sequences, [{ site: 'logits', layer: model.spec.layers - 1 }], expected.rows);
      expect(worstDifference([...all.values()][0]!, expected.logits.flat())).toBeLessThan(1e-4);
      await sharing.release();
    });

    it('scores continuations as those logits say', async () => {
      const sequence = expected.sequences[0]!;
      const at = expected.rows[0]![1]!;
      const [score] = await view.score([{ prompt: sequence.slice(0, at + 1), target: sequence.slice(at + 1) }]);
      const { vocab } = model.spec;
      const row = logSoftmax(expected.logits[0]!.slice(vocab, 2 * vocab));
      expect(score!.logProbs.length).toBe(sequence.length - at - 1);
      expect(score!.logProbs[0]).toBeCloseTo(row[sequence[at + 1]!]!, 4);
      expect(score!.best[0]).toBe(argMax(row));
    });

    it('gives the logits of the next token', async () => {
      const logits = await view.nextLogits(expected.sequences);
      for (const [i, row] of logits.entries())
        expect(worstDifference(row, expected.logits[i]!.slice(-model.spec.vocab))).toBeLessThan(1e-4);
    });

    it('generates greedily what transformers does, in one batch of ragged prompts', async () => {
      const out = await view.generate(expected.sequences, { maxTokens: 8 });
      expect(out.map(({ tokens }) => tokens)).toEqual(expected.greedy);
      expect(out.every(({ finish }) => finish === 'length')).toBe(true);
    });

    it('scores generated tokens through the cache as without it', async () => {
      const prompt = expected.sequences[0]!;
      const [out] = await view.generate([prompt], { maxTokens: 6, temperature: 1, seed: 3 });
      const [score] = await view.score([{ prompt, target: out!.tokens }]);
      let sequence = [...prompt];
      for (const [i, token] of out!.tokens.entries()) {
        const [logits] = await view.nextLogits([sequence]);
        expect(score!.logProbs[i]).toBeCloseTo(logSoftmax(logits!)[token]!, 4);
        sequence = [...sequence, token];
      }
    });

    it('replies as it scores and generates, whatever the targets foretell', async () => {
      const greedy = await view.generate(expected.sequences, { maxTokens: 7 });
      const stop = greedy[1]!.tokens[4]!;
      const stopped = await view.generate(expected.sequences, { maxTokens: 7, stop: [stop] });
      const other = (token: number) => (token + 1) % model.spec.vocab;
      const items = expected.sequences.map((prompt, i) => {
        const own = greedy[i]!.tokens;
        const near = own.slice(0, 4).map((token, at) => (at === 2 ? other(token) : token));
        const targets = [[near], [own.slice(0, 3), near], [], [own.slice(0, 2), own, [other(own[0]!)]], [[own[0]!]]][
          i % 5
        ]!;
        return { prompt, targets, tokens: i === 3 ? 0 : i === 1 ? 3 : 7 };
      });
      const replies = await view.reply(items);
      for (const [i, { targets, prompt, tokens }] of items.entries()) {
        expect(replies[i]!.greedy).toEqual(greedy[i]!.tokens.slice(0, tokens));
        const scores = targets.length === 0 ? [] : await view.score(targets.map((target) => ({ prompt, target })));
        expect(replies[i]!.scores.map(({ best }) => best)).toEqual(scores.map(({ best }) => best));
        for (const [at, { logProbs }] of scores.entries())
          expect(worstDifference(replies[i]!.scores[at]!.logProbs, logProbs)).toBeLessThan(1e-4);
      }
      const all = expected.sequences.map((prompt, i) => ({ prompt, targets: items[i]!.targets, tokens: 7 }));
      const ended = await view.reply(all, { stop: [stop] });
      expect(ended.map((each) => each.greedy)).toEqual(stopped.map(({ tokens }) => tokens));
    });

    it('scores an item alone as in a batch', async () => {
      const items = expected.sequences.slice(0, 3).map((s) => ({ prompt: s.slice(0, 2), target: s.slice(2) }));
      const together = await view.score(items);
      for (const [i, item] of items.entries()) {
        const [alone] = await view.score([item]);
        expect(worstDifference(alone!.logProbs, together[i]!.logProbs)).toBeLessThan(1e-5);
        expect(alone!.best).toEqual(together[i]!.best);
      }
    });

    it('serves the same bits for the base before, beside and after another version', async () => {
      const prompts = expected.sequences;
      const before = await view.nextLogits(prompts);
      const { weight, inSize, outSize } = valueMatrix(model.spec, 1);
      const delta: Delta = {
        kind: 'low_rank',
        tensor: weight,
        rank: 2,
        left: randomArray(inSize * 2, 1, 0.5),
        right: randomArray(outSize * 2, 2, 0.5),
      };
      const edited = view.with([delta]);
      const other = await edited.nextLogits(prompts);
      expect(worstDifference(other[0]!, before[0]!)).toBeGreaterThan(1e-3);
      expect(await view.nextLogits(prompts)).toEqual(before);
      expect(await model.view([delta]).nextLogits(prompts)).toEqual(other);
    });

    it('installs a low-rank delta as the product of its factors, whichever way the weight lies', async () => {
      const { mlp } = model.spec.blocks[0]!;
      const { weight, inSize, outSize } = mlp.output;
      const [left, right] = [randomArray(inSize, 5, 0.3), randomArray(outSize, 6, 0.3)];
      const edited = view.with([{ kind: 'low_rank', tensor: weight, rank: 1, left, right }]);
      const sequence = expected.sequences[0]!;
      const sites = [
        { site: 'mlp_key', layer: 0 },
        { site: 'mlp_out', layer: 0 },
      ] as const;
      const [a, b] = [
        await view.activations([sequence], sites, 'all'),
        await edited.activations([sequence], sites, 'all'),
      ];
      const keys = a.get('mlp_key.0')!;
      expect(b.get('mlp_key.0')).toEqual(keys);
      for (let t = 0; t < sequence.length; t++) {
        let along = 0;
        for (let i = 0; i < inSize; i++) along += keys[t * inSize + i]! * left[i]!;
        for (let j = 0; j < outSize; j++) {
          const moved = b.get('mlp_out.0')![t * outSize + j]! - a.get('mlp_out.0')![t * outSize + j]!;
          expect(moved).toBeCloseTo(along * right[j]!, 4);
        }
      }
    });

    it('takes deltas on any parameter', async () => {
      const tensor = model.spec.tokenEmbedding;
      const data = randomArray(model.spec.vocab * model.spec.width, 9, 0.1);
      const edited = view.with([{ kind: 'dense', tensor, data }]);
      const [a, b] = [await view.nextLogits([[1, 2]]), await edited.nextLogits([[1, 2]])];
      expect(worstDifference(a[0]!, b[0]!)).toBeGreaterThan(1e-3);
      expect(edited.weight(tensor)[7]).toBe(Math.fround(view.weight(tensor)[7]! + data[7]!));
    });
  });
}

describe('codebooks', () => {
  const expected = expectedOutputs('llama-grouped');
  let model: Model;
  beforeAll(async () => {
    model = await openTiny('llama-grouped');
  });
  afterAll(() => model.release());

  async function bookFor(site: 'mlp_out' | 'mlp_pre', radius: number): Promise<CodebookDelta> {
    const { spec } = model;
    const [keySite, keySize, valueSize] =
      site === 'mlp_out'
        ? (['mlp_key', spec.mlpWidth, spec.width] as const)
        : (['mlp_in', spec.width, spec.mlpWidth] as const);
    const found = await model.view().activations([expected.sequences[0]!], [{ site: keySite, layer: 1 }], 'last');
    const own = found.get(`${keySite}.1`)!;
    const far = randomArray(keySize, 4, 50);
    return {
      kind: 'codebook',
      site,
      layer: 1,
      keySize,
      valueSize,
      keys: Float32Array.from([...far, ...own]),
      values: randomArray(2 * valueSize, 8, 2),
      radii: Float32Array.of(radius, radius),
      labels: ['far', 'own'],
      replacements: ['last', 'last'],
    };
  }

  for (const site of ['mlp_out', 'mlp_pre'] as const) {
    it(`replace the output at the last prompt token where a key is near, and nothing else: ${site}`, async () => {
      const book = await bookFor(site, 0.01);
      const view = model.view();
      const edited = view.with([book]);
      const [before, after] = [await view.nextLogits(expected.sequences), await edited.nextLogits(expected.sequences)];
      expect(worstDifference(before[0]!, after[0]!)).toBeGreaterThan(1e-2);
      expect(after.slice(1)).toEqual(before.slice(1));
      const at = [{ site, layer: 1 }] as const;
      const acted = (await edited.activations([expected.sequences[0]!], at, 'all')).get(`${site}.1`)!;
      const plain = (await view.activations([expected.sequences[0]!], at, 'all')).get(`${site}.1`)!;
      const untouched = plain.length - book.valueSize;
      expect(acted.subarray(0, untouched)).toEqual(plain.subarray(0, untouched));
      expect(acted.subarray(untouched)).toEqual(book.values.subarray(book.valueSize));
    });
  }

  for (const site of ['mlp_out', 'mlp_pre'] as const) {
    it(`replace the outputs of the prompt before its last token, where a row says so: ${site}`, async () => {
      const book = { ...(await bookFor(site, 0.01)), replacements: ['last', 'prompt'] as const };
      const edited = model.view([book]);
      const plain = model.view();
      const [prompt, ...others] = expected.sequences as [number[], ...number[][]];
      const at = [{ site, layer: 1 }] as const;
      const value = book.values.slice(book.valueSize);
      const all = [...others, prompt];
      const acted = (await edited.activations(all, at, 'all')).get(`${site}.1`)!;
      const before = (await plain.activations(all, at, 'all')).get(`${site}.1`)!;
      const start = acted.length - prompt.length * book.valueSize;
      expect(acted.subarray(0, start)).toEqual(before.subarray(0, start));
      for (let t = 0; t < prompt.length; t++) {
        const row = [start + t * book.valueSize, start + (t + 1) * book.valueSize] as const;
        expect(acted.slice(...row)).toEqual(t + 1 < prompt.length ? value : before.slice(...row));
      }
      // Nothing comes before the only token of a prompt.
      expect(await edited.nextLogits([[prompt[0]!]])).toEqual(await plain.nextLogits([[prompt[0]!]]));
    });
  }

  it.each(['last', 'prompt'] as const)('act through generation, scoring and replies alike: %s', async (replacement) => {
    const book = await bookFor('mlp_out', 0.01);
    // Beside the other layer too, so that what a replaced output leads to is attended to.
    const lower = { ...(await bookFor('mlp_out', 100)), layer: 0, replacements: [replacement, replacement] };
    const edited = model.view([{ ...book, replacements: ['last', replacement] }, lower]);
    const prompt = expected.sequences[0]!;
    const [out] = await edited.generate([prompt], { maxTokens: 4 });
    const [score] = await edited.score([{ prompt, target: out!.tokens }]);
    expect([...score!.best]).toEqual(out!.tokens);
    const targets = [[1, 2], out!.tokens.slice(0, 2)];
    const [, reply] = await edited.reply([
      { prompt: expected.sequences[1]!, targets, tokens: 4 },
      { prompt, targets, tokens: 4 },
    ]);
    expect(reply!.greedy).toEqual(out!.tokens);
    const [first] = await edited.score([{ prompt, target: targets[0]! }]);
    expect(worstDifference(reply!.scores[0]!.logProbs, first!.logProbs)).toBeLessThan(1e-5);
  });

  it('give way to a later codebook of the same site, and stay out of perplexity', async () => {
    const view = model.view();
    const book = await bookFor('mlp_out', 0.01);
    const empty = {
      ...book,
      keys: new Float32Array(0),
      values: new Float32Array(0),
      radii: new Float32Array(0),
      labels: [],
      replacements: [],
    };
    const undone = view.with([book, empty]);
    expect([...undone.memories.values()]).toEqual([empty]);
    expect(await undone.nextLogits(expected.sequences)).toEqual(await view.nextLogits(expected.sequences));
    const text = expected.sequences.flat();
    expect(await view.with([book]).perplexity(text)).toEqual(await view.perplexity(text));
  });
});

describe('versions', () => {
  it('have one digest whichever way they were reached', async () => {
    const model = await openTiny('gpt2-tied');
    const { weight, inSize, outSize } = valueMatrix(model.spec, 0);
    const deltas: Delta[] = [1, 2, 3].map((seed) => ({
      kind: 'low_rank',
      tensor: weight,
      rank: 1,
      left: randomArray(inSize, seed, 1),
      right: randomArray(outSize, seed + 10, 1),
    }));
    const base = model.view();
    const stepwise = base.with(deltas.slice(0, 1)).with(deltas.slice(1));
    expect(stepwise.weightsDigest()).toBe(model.view(deltas).weightsDigest());
    expect(stepwise.weightsDigest()).not.toBe(base.weightsDigest());
    expect(model.view(deltas.slice(0, 2)).with([]).weightsDigest()).toBe(base.with(deltas.slice(0, 2)).weightsDigest());
    await model.release();
  });

  it('are restored from their state bit for bit, and take further deltas as before', async () => {
    const model = await openTiny('gpt2-tied');
    const { weight, inSize, outSize } = valueMatrix(model.spec, 0);
    const [first, second] = [1, 2].map((seed): Delta => {
      const [left, right] = [randomArray(inSize, seed, 1), randomArray(outSize, seed + 10, 1)];
      return { kind: 'low_rank', tensor: weight, rank: 1, left, right };
    });
    const restored = model.restore(model.view([first!]).state());
    expect(restored.deltas).toEqual([]);
    expect(restored.weightsDigest()).toBe(model.view([first!]).weightsDigest());
    expect(restored.with([second!]).weightsDigest()).toBe(model.view([first!, second!]).weightsDigest());
    const misfit = { weights: new Map([[weight, new Float32Array(3)]]), memories: new Map() };
    expect(() => model.restore(misfit)).toThrow(weight);
    await model.release();
  });

  it('refuse sequences that the model cannot take', async () => {
    const model = await openTiny('gpt2-tied');
    const view = model.view();
    await expect(view.nextLogits([[]])).rejects.toMatchObject({ code: 'sequence_empty' });
    await expect(view.nextLogits([new Array<number>(25).fill(1)])).rejects.toMatchObject({ code: 'sequence_too_long' });
    await expect(view.nextLogits([[40]])).rejects.toMatchObject({ code: 'sequence_id_unknown' });
    await expect(view.score([{ prompt: [], target: [1] }])).rejects.toMatchObject({ code: 'sequence_empty' });
    await model.release();
  });
});

describe('generation', () => {
  let model: Model;
  beforeAll(async () => {
    model = await openTiny('gpt2-tied');
  });
  afterAll(() => model.release());

  it('samples the same tokens for a prompt whatever else is in the batch', async () => {
    const view = model.view();
    const options = { maxTokens: 6, temperature: 0.8, topK: 10, seed: 11 };
    const [alone] = await view.generate([[3, 4]], options);
    const [among] = await view.generate(
      [
        [3, 4],
        [9, 9, 9, 2],
      ],
      options,
    );
    expect(among).toEqual(alone);
    const prompts = [
      [9, 9, 9, 2],
      [3, 4],
    ];
    const [, second] = await view.generate(prompts, { ...options, streams: [1, 0] });
    expect(second).toEqual(alone);
    const [other] = await view.generate([[3, 4]], { ...options, seed: 12 });
    expect(other!.tokens).not.toEqual(alone!.tokens);
  });

  it('stops between two tokens when it is aborted', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const onToken = (_: number, token: number) => {
      seen.push(token);
      controller.abort();
    };
    const call = model.view().generate([[3, 4]], { maxTokens: 6, onToken, signal: controller.signal });
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    expect(seen).toHaveLength(1);
  });

  it('never writes ids that the tokenizer has no token for, greedy or drawn, and foretells none', async () => {
    const { spec } = model;
    const weights = new Map([...spec.parameters.keys()].map((name) => [name, model.view().weight(name)]));
    const [asIs] = await model.view().generate([[3, 4]], { maxTokens: 6 });
    const known = [...Array(spec.vocab).keys()].filter((id) => id === 3 || id === 4 || !asIs!.tokens.includes(id));
    const vocabulary = Object.fromEntries(known.map((id) => [String.fromCharCode(0x41 + id), id]));
    const tokenizer = tokenizerFromVocabAndMerges(JSON.stringify(vocabulary), '');
    const padded = modelFromWeights(spec, weights, { tokenizer });
    const view = padded.view();
    const [greedy] = await view.generate([[3, 4]], { maxTokens: 6 });
    expect(known).toEqual(expect.arrayContaining([...greedy!.tokens]));
    // The same by the logits, of which the probabilities are those of the model as it is.
    const [seen] = await view.generate([[3, 4]], { maxTokens: 6, logProbs: 2 });
    expect(seen!.tokens).toEqual(greedy!.tokens);
    const [score] = await model.view().score([{ prompt: [3, 4], target: [...greedy!.tokens] }]);
    expect(
      worstDifference(
        seen!.logProbs!.map(({ logProb }) => logProb),
        score!.logProbs,
      ),
    ).toBeLessThan(1e-4);
    expect(seen!.logProbs![0]!.top[0]!.token).toBe(asIs!.tokens[0]);
    const [drawn] = await view.generate([[3, 4]], { maxTokens: 20, temperature: 50, seed: 1 });
    expect(known).toEqual(expect.arrayContaining([...drawn!.tokens]));
    expect((await view.reply([{ prompt: [3, 4], targets: [], tokens: 6 }]))[0]!.greedy).toEqual(greedy!.tokens);
    await padded.release();
  });

  it('says how probable the tokens of a prompt are, and the likeliest in their places', async () => {
    const view = model.view();
    const prompts = [
      [3, 4, 5, 6],
      [7, 8],
    ];
    const found = await view.promptLogProbs(prompts, 2);
    const scores = await view.score(prompts.map(([first, ...target]) => ({ prompt: [first!], target })));
    for (const [item, { logProbs, best }] of scores.entries()) {
      expect(
        worstDifference(
          found[item]!.map(({ logProb }) => logProb),
          logProbs,
        ),
      ).toBeLessThan(1e-4);
      expect(found[item]!.map(({ top }) => top[0]!.token)).toEqual([...best]);
      for (const { top } of found[item]!) expect(top[0]!.logProb).toBeGreaterThanOrEqual(top[1]!.logProb);
    }
    expect(await view.promptLogProbs([[3]], 2)).toEqual([[]]);
  });

  it('ends where it is told to, with the token it was told at', async () => {
    const [whole] = await model.view().generate([[3, 4]], { maxTokens: 6 });
    const heard: number[] = [];
    const [ended] = await model
      .view()
      .generate([[3, 4]], { maxTokens: 6, until: (_, token) => heard.push(token) === 2 });
    expect(ended).toEqual({ tokens: whole!.tokens.slice(0, 2), finish: 'stop' });
  });

  it('writes the same however much room there is for more, over many more tokens than a cache begins with', async () => {
    const long = await openTiny('mistral-window');
    const view = long.view();
    const prompts = [
      [3, 4],
      [5, 6, 7, 8, 9],
    ];
    const room = long.spec.context - 5;
    expect(room).toBeGreaterThan(40);
    const all = await view.generate(prompts, { maxTokens: room });
    for (const [index, prompt] of prompts.entries()) {
      const written: number[] = [];
      // Without a cache: every token from all before it.
      while (written.length < 40) {
        const [logits] = await view.nextLogits([[...prompt, ...written]]);
        written.push(argMax([...logits!]));
      }
      expect(all[index]!.tokens.slice(0, 40)).toEqual(written);
    }
    await long.release();
  });

  it('ends at a stop token, which it leaves out, and at the end of the context', async () => {
    const view = model.view();
    const [greedy] = await view.generate([[3, 4]], { maxTokens: 6 });
    const stop = greedy!.tokens[2]!;
    const seen: number[] = [];
    const [stopped] = await view.generate([[3, 4]], {
      maxTokens: 6,
      stop: [stop],
      onToken: (_, token) => seen.push(token),
    });
    expect(stopped).toEqual({ tokens: greedy!.tokens.slice(0, greedy!.tokens.indexOf(stop)), finish: 'stop' });
    expect(seen).toEqual(stopped!.tokens);
    const [full] = await view.generate([[3, 4]], { maxTokens: 1000 });
    expect(full!.tokens.length).toBe(model.spec.context - 2);
    expect((await view.generate([[3, 4]], { maxTokens: 0 }))[0]).toEqual({ tokens: [], finish: 'length' });
  });
});

const stories = sharedData('models/tinystories656k');

describe.skipIf(stories === undefined)('tinystories656k (skipped where ../shared/data is absent)', () => {
  it('has the logits and greedy continuations of transformers', async () => {
    const expected = JSON.parse(readFileSync(fixturePath('tinystories656k.json'), 'utf8')) as {
      readonly sequences: number[][];
      readonly logits: number[][];
      readonly greedy: number[][];
    };
    const model = await openDirectory(stories!);
    const view = model.view();
    const logits = await view.nextLogits(expected.sequences);
    for (const [i, row] of logits.entries()) expect(worstDifference(row, expected.logits[i]!)).toBeLessThan(1e-4);
    const out = await view.generate(expected.sequences, { maxTokens: 12 });
    expect(out.map(({ tokens }) => tokens)).toEqual(expected.greedy);
    await model.release();
  });
});
