// Initial weights, seeded: GPT-2's, normal with the residual projections scaled down by depth.
import { blockNorms, type DecoderSpec } from '@errata/models';
import { seeded } from '../random.ts';

const deviation = 0.02;

/** Fresh float32 parameters of a spec (Radford et al. 2019, section 2.3). */
export function initialWeights(spec: DecoderSpec, seed: number): Map<string, Float32Array> {
  const residual = new Set(spec.blocks.flatMap((block) => [block.attentionOutput.weight, block.mlp.output.weight]));
  const norms = new Set([spec.finalNorm, ...spec.blocks.flatMap(blockNorms)].map((norm) => norm.weight));
  const weights = new Map<string, Float32Array>();
  for (const [name, dims] of spec.parameters) {
    const values = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
    if (norms.has(name)) values.fill(1);
    else if (dims.length === 2) {
      const random = seeded('initial weights', seed, name);
      const scale = residual.has(name) ? deviation / Math.sqrt(2 * spec.layers) : deviation;
      for (let i = 0; i < values.length; i += 2) {
        // Box-Muller, two values a draw.
        const radius = scale * Math.sqrt(-2 * Math.log(1 - random.next()));
        const angle = 2 * Math.PI * random.next();
        values[i] = radius * Math.cos(angle);
        if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle);
      }
    }
    weights.set(name, values);
  }
  return weights;
}
