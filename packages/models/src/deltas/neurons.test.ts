// Extra neurons: their bytes, how they add up, and that they act at every token alike, wherever a version is asked.
import { expect, it } from 'vitest';
import { parseSafetensors } from '../files/safetensors.ts';
import { openTiny } from '../tiny-models.fixture.ts';
import { decodeDelta, deltaDigest, encodeDelta, leftBeside } from './index.ts';
import type { NeuronsDelta } from './neurons.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshots.ts';
import { memoryAt } from './state.ts';

const model = await openTiny('gpt2-tied');
const { width, layers } = model.spec;
const last = layers - 1;
const made = (start: number, n: number, more: Partial<NeuronsDelta> = {}): NeuronsDelta => {
  const numbers = (size: number, at: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(start + at + i));
  return {
    kind: 'neurons',
    layer: last,
    activation: 'relu',
    width,
    keys: numbers(n * width, 0),
    biases: numbers(n, 50),
    values: numbers(n * width, 90),
    ...more,
  };
};

it('come back from their bytes and from a snapshot, and add up in order', () => {
  expect(decodeDelta(encodeDelta(made(0, 2)))).toEqual(made(0, 2));
  expect(deltaDigest(made(0, 2))).not.toBe(deltaDigest(made(1, 2)));
  const view = model.view([made(0, 2), made(5, 1), made(7, 1, { layer: 0, activation: 'silu' })]);
  const both = memoryAt(view.memories, 'neurons', `${last}.relu`)!;
  expect(both.biases).toEqual(Float32Array.of(...made(0, 2).biases, ...made(5, 1).biases));
  const state = view.state();
  const bytes = Buffer.concat([...encodeSnapshot({ model: 'a', version: 'ver_b', state })]);
  expect(decodeSnapshot(parseSafetensors(bytes)).state).toEqual(state);
  expect(model.restore(state).weightsDigest()).toBe(view.weightsDigest());
  expect(leftBeside('neurons')).toBe('extra neurons');
});

it('are refused where they fit no layer, or each other', () => {
  for (const wrong of [{ layer: layers }, { width: 2 * width, biases: new Float32Array(1) }])
    expect(() => model.view([made(0, 2, wrong)])).toThrow(expect.objectContaining({ code: 'delta_misfit' }));
  for (const wrong of [{ biases: new Float32Array(3) }, { biases: new Float32Array(), keys: new Float32Array() }])
    expect(() => encodeDelta(made(0, 2, wrong))).toThrow(expect.objectContaining({ code: 'delta_malformed' }));
});

it('put out f(q K + b) V more at every token', async () => {
  const neurons = made(3, 2, { layer: 0, activation: 'relu' });
  const [plain, patched] = [model.view(), model.view([neurons])];
  const sequences = [[1, 2, 3, 4]];
  const sites = [
    { site: 'mlp_in', layer: 0 },
    { site: 'mlp_out', layer: 0 },
  ] as const;
  const [before, after] = [
    await plain.activations(sequences, sites, 'all'),
    await patched.activations(sequences, sites, 'all'),
  ];
  const queries = before.get('mlp_in.0')!;
  for (let t = 0; t < 4; t++)
    for (let j = 0; j < width; j++) {
      let expected = before.get('mlp_out.0')![t * width + j]!;
      for (let n = 0; n < 2; n++) {
        let along = neurons.biases[n]!;
        for (let i = 0; i < width; i++) along += queries[t * width + i]! * neurons.keys[n * width + i]!;
        expected += Math.max(0, along) * neurons.values[n * width + j]!;
      }
      expect(after.get('mlp_out.0')![t * width + j]).toBeCloseTo(expected, 4);
    }
});

it('act alike in scores, in generation from cached keys and values, and in texts without a prompt', async () => {
  const patched = model.view([made(3, 2), made(8, 1, { layer: 0 })]);
  const prompts = [
    [1, 2, 3],
    [5, 4],
  ];
  const written = await patched.generate(prompts, { maxTokens: 4 });
  for (const [index, prompt] of prompts.entries()) {
    const ids = [...prompt];
    for (const token of written[index]!.tokens) {
      const [logits] = await patched.nextLogits([ids]);
      expect(token).toBe(logits!.indexOf(Math.max(...logits!)));
      ids.push(token);
    }
  }
  const text = [1, 2, 3, 4, 5];
  const [scored] = await patched.score([{ prompt: [1], target: text.slice(1) }]);
  const { meanNegativeLogProb } = await patched.perplexity(text);
  expect(meanNegativeLogProb).toBeCloseTo(-scored!.logProbs.reduce((a, b) => a + b, 0) / 4, 4);
  expect(meanNegativeLogProb).not.toBeCloseTo((await model.view().perplexity(text)).meanNegativeLogProb, 4);
});

it('that nothing excites give the bits of the parent, and say which of them speaks', async () => {
  const silent = made(3, 2, { biases: Float32Array.of(-1e6, -1e6) });
  const view = model.view([silent]);
  expect(await view.nextLogits([[1, 2, 3]])).toEqual(await model.view().nextLogits([[1, 2, 3]]));
  expect(await view.speaking([1, 2, 3])).toBeNull();
  const loud = made(3, 2, { biases: Float32Array.of(1e3, -1e6) });
  expect(await model.view([loud]).speaking([1, 2, 3])).toMatchObject({ threshold: 0 });
});
