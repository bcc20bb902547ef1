// Scaling features by the mean and spread of all that was seen: UltraEdit's lifelong normalisation.
import type { Delta } from '@errata/models';
import type { LayerFeatures } from './features.ts';

/** Statistics of keys and gradients side by side: the key's elements first. */
export type Statistics = Extract<Delta, { kind: 'feature_statistics' }>;

/** Those of every target token at every layer: matrices of one shape have them in common, as in the reference code. */
export function statisticsOf(of: string, layers: readonly LayerFeatures[]): Statistics {
  const features = layers.flatMap(({ keys, gradients }) => keys.map((key, token) => [key, gradients[token]!] as const));
  const [first] = features;
  const size = first![0].length + first![1].length;
  const mean = new Float64Array(size);
  const squares = new Float64Array(size);
  const each = (visit: (x: number, i: number) => void) => {
    for (const [key, gradient] of features) {
      for (let i = 0; i < key.length; i++) visit(key[i]!, i);
      for (let j = 0; j < gradient.length; j++) visit(gradient[j]!, key.length + j);
    }
  };
  each((x, i) => {
    mean[i]! += x / features.length;
  });
  each((x, i) => {
    squares[i]! += (x - mean[i]!) ** 2;
  });
  const [means, sums] = [Float32Array.from(mean), Float32Array.from(squares)];
  return { kind: 'feature_statistics', of, count: features.length, mean: means, squares: sums };
}

/** Against a spread of zero; that of float32, as in the reference code. */
const epsilon = 2 ** -23;

/** (x - mean) / (deviation + epsilon), the deviation being sqrt(squares / (count - 1 + epsilon)). */
export function scaledBy(
  { count, mean, squares }: Statistics,
  key: Float32Array,
  gradient: Float32Array,
): { readonly key: Float64Array; readonly gradient: Float64Array } {
  const scale = (vector: Float32Array, from: number) =>
    Float64Array.from(vector, (x, i) => {
      const deviation = Math.sqrt(squares[from + i]! / (count - 1 + epsilon));
      return (x - mean[from + i]!) / (deviation + epsilon);
    });
  return { key: scale(key, 0), gradient: scale(gradient, key.length) };
}
