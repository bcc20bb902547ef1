// What an MLP is asked to put out behind a norm, and in front of none.
import { expect, it } from 'vitest';
import { tinyGpt2, tinyLlama, tinyModel } from '../tiny-model.fixture.ts';
import { outputChange } from './output-change.ts';

const tinyGemma2 = { ...tinyLlama, model_type: 'gemma2', head_dim: 4, tie_word_embeddings: true };

it('makes the stream gain what it is to, as far as a norm lets it', () => {
  const view = tinyModel(tinyGemma2, 2).view();
  const scale = view.weight('model.layers.1.post_feedforward_layernorm.weight').map((w) => 1 + w);
  const rms = (x: Float64Array) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + 1e-6);
  const normed = (x: Float64Array) => x.map((v, i) => (v / rms(x)) * scale[i]!);
  const draw = (seed: number) => Float64Array.from(scale, (_, i) => Math.sin(seed * (i + 1)) + 0.1);
  const output = draw(3).map((x) => 5 * x);
  // What a norm can give: vectors whose root mean square, less the scale, is one.
  const wanted = normed(draw(7));
  const before = normed(output);
  const change = outputChange(
    view,
    1,
    output,
    wanted.map((x, i) => x - before[i]!),
  );
  const after = normed(output.map((x, i) => x + change[i]!));
  for (const [i, x] of after.entries()) expect(x).toBeCloseTo(wanted[i]!, 5);
});

it('asks nothing of a dimension that the norm closes', () => {
  const base = tinyModel(tinyGemma2, 2).view();
  const tensor = 'model.layers.1.post_feedforward_layernorm.weight';
  // 1 + w is exactly zero in the first dimension.
  const data = new Float32Array(24);
  data[0] = -1 - base.weight(tensor)[0]!;
  const view = base.with([{ kind: 'dense', tensor, data }]);
  const change = outputChange(view, 1, new Float64Array(24).fill(1), new Float64Array(24).fill(0.5));
  expect(change[0]).toBe(0);
  expect(change.slice(1).every((x) => Number.isFinite(x) && x !== 0)).toBe(true);
});

it('asks for the gain itself where no norm is behind the MLP', () => {
  const view = tinyModel(tinyGpt2, 2).view();
  const added = new Float64Array(24).fill(2);
  expect(outputChange(view, 1, new Float64Array(24).fill(1), added)).toBe(added);
});
