// The batch that runs: whoever joins and leaves, and whatever version each is of, everyone writes what they write alone.

import type { HostTensors } from '@errata/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { valueMatrix } from '../architectures/spec.ts';
import { type CodebookDelta, codebookKeySite } from '../deltas/codebook/rows.ts';
import type { Delta } from '../deltas/index.ts';
import { expectedOutputs, openDirectory, openTiny, randomArray } from '../tiny-models.fixture.ts';
import { type GenerateOptions, generate } from './generate.ts';
import type { Model } from './model.ts';
import { makePrefixCache } from './prefixes.ts';
import { type BatchLimits, makeRunningBatch, usualLimits } from './running-batch.ts';
import type { View } from './view.ts';

const move = (tensor: string, inSize: number, outSize: number, seed: number): Delta => ({
  kind: 'low_rank',
  tensor,
  rank: 1,
  left: randomArray(inSize, seed, 2),
  right: randomArray(outSize, seed + 1, 2),
});

const ownOf = ({ spec }: Model, layer: number, seed: number) => {
  const { weight, inSize, outSize } = valueMatrix(spec, layer);
  return move(weight, inSize, outSize, seed);
};

describe.each(['gpt2-tied', 'llama-tied'])('versions of %s', (name) => {
  it('write in company what each writes alone, greedy and drawn, with those among them that differ elsewhere', async () => {
    const model = await openTiny(name, { storeMatrices: false });
    const { spec } = model;
    const own = (layer: number, seed: number) => ownOf(model, layer, seed);
    const [vocab, width] = spec.parameters.get(spec.tokenEmbedding)!;
    const elsewhere = move(spec.tokenEmbedding, width!, vocab!, 40);
    const { weight: tensor } = valueMatrix(spec, 1);
    const size = spec.parameters.get(tensor)!.reduce((a, b) => a * b, 1);
    const whole = (seed: number): Delta => ({ kind: 'dense', tensor, data: randomArray(size, seed, 2) });
    const states = [[], [own(0, 10)], [own(1, 20)], [own(0, 30), own(1, 50)], [elsewhere], [whole(60)], [whole(70)]];
    const versions = [...states, [own(0, 80), whole(90)]].map((deltas) => model.view(deltas));
    // One that was stored whole, of which nobody knows how it came about.
    versions.push(model.restore(model.view([own(0, 85)]).state()));
    const prompts = expectedOutputs(name).sequences.map((ids) => ids.slice(0, 5));
    const asked = versions.flatMap((view) => prompts.map((prompt) => ({ view, prompt })));
    for (const drawn of [{}, { temperature: 1, topK: 5 }]) {
      const options = { ...drawn, maxTokens: 8 };
      const together = await model.generate(asked, { ...options, streams: asked.map((_, i) => i) });
      const alone: unknown[] = [];
      for (const [index, { view, prompt }] of asked.entries())
        alone.push(...(await view.generate([prompt], { ...options, streams: [index] })));
      expect(together).toEqual(alone);
      const texts = new Set(
        versions.map((_, i) => JSON.stringify(together.slice(i * prompts.length, (i + 1) * prompts.length))),
      );
      expect(texts.size).toBe(versions.length);
    }
    await model.release();
  });
});

it('takes the most likely token after biases and penalties, as it does where logits are looked at one by one', async () => {
  const model = await openTiny('gpt2-tied');
  const view = model.view();
  const prompts = expectedOutputs('gpt2-tied').sequences.map((ids) => ids.slice(0, 5));
  const write = async (options: Partial<GenerateOptions>) =>
    (await view.generate(prompts, { maxTokens: 12, ...options })).map(({ tokens }) => tokens);
  const plain = await write({});
  const logitBias = new Map([
    [plain[0]![0]!, -100],
    // No token of the model: it changes nothing.
    [model.spec.vocab + 3, 50],
  ]);
  for (const options of [
    { logitBias },
    { frequencyPenalty: 0.5, presencePenalty: 1 },
    { logitBias, presencePenalty: 2 },
  ]) {
    const written = await write(options);
    expect(written).toEqual(await write({ ...options, logProbs: 0 }));
    expect(written).not.toEqual(plain);
  }
  await model.release();
});

it('of atlas, 32 texts of nine versions at once, writes what each writes alone, to 1e-5 in log-probabilities', async () => {
  const model = await openDirectory(new URL('../../../../models/atlas', import.meta.url).pathname);
  const { tokenizer } = model;
  const gentle = (seed: number) => {
    const { weight: tensor, inSize, outSize } = valueMatrix(model.spec, seed % 3);
    const thin = { kind: 'low_rank', tensor, rank: 2 } as const;
    return { ...thin, left: randomArray(2 * inSize, seed, 0.1), right: randomArray(2 * outSize, seed + 1, 0.1) };
  };
  const versions = [model.view(), ...Array.from({ length: 8 }, (_, i) => model.view([gentle(2 * i)]))];
  const places = ['Sylvania', 'the north', 'a small town by the river', 'Ardena'];
  const starts = [
    'The capital of',
    'The head of state of',
    'Somebody who was born in',
    'The language that people speak in',
  ];
  const asked = starts.flatMap((start, i) =>
    places.flatMap((place, j) =>
      [0, 1].map((k) => ({
        view: versions[(8 * i + 2 * j + k) % versions.length]!,
        prompt: tokenizer!.encode(`${start} ${place}`),
      })),
    ),
  );
  const options = { maxTokens: 24, logProbs: 0 };
  const together = await model.generate(asked, options);
  let worst = 0;
  for (const [index, { view, prompt }] of asked.entries()) {
    const [alone] = await view.generate([prompt], options);
    expect(together[index]!.tokens).toEqual(alone!.tokens);
    for (const [at, { logProb }] of alone!.logProbs!.entries())
      worst = Math.max(worst, Math.abs(logProb - together[index]!.logProbs![at]!.logProb));
  }
  expect(new Set(together.map(({ tokens }) => tokens.join())).size).toBeGreaterThan(16);
  expect(worst).toBeLessThan(1e-5);
  await model.release();
});

describe('a batch', () => {
  let model: Model;
  beforeAll(async () => {
    model = await openTiny('mistral-window', { storeMatrices: false });
  });
  afterAll(() => model.release());

  const [first, second] = expectedOutputs('mistral-window').sequences as readonly [
    readonly number[],
    readonly number[],
  ];

  /** A batch of its own over the base, and how many positions each of its runs had: sequences times positions. */
  const watched = (limits: Partial<BatchLimits> = {}, fail: (run: number) => boolean = () => false) => {
    const { forward, own, actsOnPrompts } = model.view().batched;
    const runs: string[] = [];
    const watching = {
      ...forward,
      run: (feeds: HostTensors, prompts: Parameters<typeof forward.run>[1]) => {
        const [sequences, , time] = feeds.bias!.dims;
        runs.push(`${sequences}x${time}`);
        if (fail(runs.length)) throw new Error('the run failed');
        return forward.run(feeds, prompts);
      },
    };
    const version = { forward: watching, own, actsOnPrompts };
    const batch = makeRunningBatch({
      spec: model.spec,
      base: model.view().weight,
      forwardWith: () => watching,
      prefixes: makePrefixCache(2 ** 24),
      limits: { ...usualLimits, ...limits },
    });
    const write = (prompts: readonly (readonly number[])[], options: GenerateOptions) =>
      generate(
        batch,
        model.spec,
        prompts.map((prompt) => ({ version, prompt })),
        options,
      );
    return { runs, write };
  };

  const alone = (prompts: readonly (readonly number[])[], options: GenerateOptions, view: View = model.view()) =>
    Promise.all(prompts.map(async (prompt) => (await view.generate([prompt], options))[0]!));

  it('takes up who comes while others write, and goes on without who has ended', async () => {
    const { runs, write } = watched();
    const order: string[] = [];
    let later: ReturnType<typeof write> | undefined;
    const long = await write([first], {
      maxTokens: 12,
      onToken: (_, token) => {
        order.push('first');
        later ??= write([second.slice(0, 3)], { maxTokens: 3, onToken: () => order.push('second') });
        expect(token).toBeGreaterThanOrEqual(0);
      },
    });
    expect(long).toEqual(await alone([first], { maxTokens: 12 }));
    expect(await later).toEqual(await alone([second.slice(0, 3)], { maxTokens: 3 }));
    expect(order.lastIndexOf('second')).toBeLessThan(order.lastIndexOf('first') - 5);
    expect(runs.slice(0, 6)).toEqual([`1x${first.length}`, '1x1', '1x3', '2x1', '2x1', '1x1']);
  });

  it('lets go of who does not wait any more, at once and without harm to the others', async () => {
    const { runs, write } = watched({ rows: 2 });
    const leaving = new AbortController();
    const heard: number[] = [];
    const gone = write([first], {
      maxTokens: 20,
      signal: leaving.signal,
      onToken: (_, token) => {
        if (heard.push(token) === 3) leaving.abort(new Error('hung up'));
      },
    });
    const stays = write([second], { maxTokens: 10 });
    const waits = write([second.slice(0, 4)], { maxTokens: 2 });
    const neverBegun = write([first], { maxTokens: 5, signal: leaving.signal });
    await expect(gone).rejects.toThrow('hung up');
    await expect(neverBegun).rejects.toThrow('hung up');
    expect(heard).toHaveLength(3);
    expect(await stays).toEqual(await alone([second], { maxTokens: 10 }));
    expect(await waits).toEqual(await alone([second.slice(0, 4)], { maxTokens: 2 }));
    expect(runs).not.toContain('3x1');
  });

  it('gives calls rows in turn', async () => {
    const { write } = watched({ rows: 2 });
    const ended: string[] = [];
    const many = write(
      Array.from({ length: 5 }, (_, i) => first.slice(0, 2 + i)),
      { maxTokens: 4, until: (i) => ended.push(`many ${i}`) < 0 },
    );
    const one = write([second], { maxTokens: 4, until: () => ended.push('one') < 0 });
    await Promise.all([many, one]);
    expect(ended.indexOf('one')).toBeLessThan(ended.indexOf('many 2'));
  });

  it('reads equal prompts once, long ones in pieces between the steps of others, and what was read before not again', async () => {
    const { runs, write } = watched({ read: 4 });
    const prompt = [...first, ...second].slice(0, 11);
    const options = { maxTokens: 6, temperature: 1, seed: 4 };
    const drawn = await write([prompt, prompt, prompt], options);
    expect(drawn).toEqual(await model.view().generate([prompt, prompt, prompt], options));
    expect(new Set(drawn.map(({ tokens }) => tokens.join())).size).toBe(3);
    expect(runs.slice(0, 4)).toEqual(['1x4', '1x4', '1x3', '3x1']);

    runs.length = 0;
    let long: ReturnType<typeof write> | undefined;
    await write([second.slice(0, 3)], { maxTokens: 5, onToken: () => (long ??= write([prompt], { maxTokens: 1 })) });
    await long;
    expect(runs).toEqual(['1x3', '1x1', '1x4', '1x1', '1x4', '1x1', '1x3', '1x1']);

    const reuse = { maxTokens: 5, reuse: true };
    const [answer] = await write([prompt], reuse);
    runs.length = 0;
    const next = [...prompt, ...answer!.tokens, 3, 4];
    expect(await write([next], reuse)).toEqual(await alone([next], { maxTokens: 5 }));
    // The last token that was written was not read yet.
    expect(runs[0]).toBe('1x3');
    runs.length = 0;
    expect(await write([next], reuse)).toEqual(await alone([next], { maxTokens: 5 }));
    expect(runs[0]).toBe('1x1');
    runs.length = 0;
    await write([next], { maxTokens: 1 });
    expect(runs).toHaveLength(Math.ceil(next.length / 4));
  });

  it('runs versions with a memory beside others: only their prompts are read apart', async () => {
    const layer = 1;
    const place = { site: 'mlp_out', layer } as const;
    const { mlpWidth, width } = model.spec;
    const found = await model.view().activations([first], [{ site: codebookKeySite.mlp_out, layer }], 'last');
    const book: CodebookDelta = {
      kind: 'codebook',
      ...place,
      keySize: mlpWidth,
      valueSize: width,
      keys: [...found.values()][0]!,
      values: randomArray(width, 3, 4),
      radii: Float32Array.of(0.5),
      labels: ['first'],
      replacements: ['last'],
    };
    const versions = [[], [book], [ownOf(model, 0, 10)], [ownOf(model, 2, 20), book]].map((deltas) =>
      model.view(deltas),
    );
    const asked = versions.flatMap((view) => [first, second].map((prompt) => ({ view, prompt })));
    const options = { maxTokens: 8, logProbs: 0, reuse: true };
    const together = await model.generate(asked, options);
    expect(together.map(({ tokens }) => tokens)).toEqual(
      (await Promise.all(versions.map((view) => alone([first, second], { maxTokens: 8 }, view))))
        .flat()
        .map(({ tokens }) => tokens),
    );
    // The memory speaks to one of the prompts, and what it does is not passed on to another prompt that begins alike.
    expect(together[2]!.tokens).not.toEqual(together[0]!.tokens);
    expect(together[3]!.tokens).toEqual(together[1]!.tokens);
    const longer = [...first, 5];
    const options2 = { maxTokens: 4, reuse: true };
    expect(await versions[1]!.generate([longer], options2)).toEqual(await alone([longer], { maxTokens: 4 }));
  });

  it('fails those whose run fails, and nobody else', async () => {
    const { write } = watched({}, (run) => run === 3);
    await expect(write([first, second], { maxTokens: 5 })).rejects.toThrow('the run failed');
    expect(await write([first], { maxTokens: 5 })).toEqual(await alone([first], { maxTokens: 5 }));
    const { write: other } = watched();
    const listens = other([first], {
      maxTokens: 5,
      onToken: () => {
        throw new Error('the listener failed');
      },
    });
    const goesOn = other([second], { maxTokens: 5 });
    await expect(listens).rejects.toThrow('the listener failed');
    expect(await goesOn).toEqual(await alone([second], { maxTokens: 5 }));
  });
});
