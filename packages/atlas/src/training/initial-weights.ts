// Initial weights, seeded: of a decoder GPT-2's, of an encoder-decoder T5's.
import { blockNorms, type CrossBlockRefs, type DecoderSpec, type EncoderDecoderSpec } from '@errata/models';
import { seeded } from '../random.ts';

/**
 * Fresh float32 parameters: normal matrices, zero vectors.
 * @param deviationOf of each matrix @param ones vectors that are 1 instead, those of the norms
 */
function drawn(
  parameters: ReadonlyMap<string, readonly number[]>,
  seed: number,
  deviationOf: (name: string) => number,
  ones: ReadonlySet<string>,
): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const [name, dims] of parameters) {
    const values = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
    if (ones.has(name)) values.fill(1);
    else if (dims.length === 2) {
      const random = seeded('initial weights', seed, name);
      const scale = deviationOf(name);
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

/** Of a decoder: residual projections are scaled down by depth (Radford et al. 2019, section 2.3). */
export function initialWeights(spec: DecoderSpec, seed: number): Map<string, Float32Array> {
  const deviation = 0.02;
  const residual = new Set(spec.blocks.flatMap((block) => [block.attentionOutput.weight, block.mlp.output.weight]));
  const norms = new Set([spec.finalNorm, ...spec.blocks.flatMap(blockNorms)].map((norm) => norm.weight));
  return drawn(
    spec.parameters,
    seed,
    (name) => (residual.has(name) ? deviation / Math.sqrt(2 * spec.layers) : deviation),
    norms,
  );
}

/**
 * Of an encoder-decoder: embeddings of deviation 1, everything else by what goes into it, queries smaller by the root of a head's
 * size, by which their scores are not divided (Raffel et al. 2020, as the reference code draws them).
 */
export function initialEncoderDecoderWeights(
  { encoder, decoder, parameters }: EncoderDecoderSpec,
  seed: number,
): Map<string, Float32Array> {
  const deviations = new Map<string, number>([[decoder.tokenEmbedding, 1]]);
  const norms = new Set<string>();
  const crossing: Partial<CrossBlockRefs>[] = [...encoder.blocks, ...decoder.blocks];
  for (const [index, block] of [...encoder.blocks, ...decoder.blocks].entries()) {
    const { cross, crossNorm } = crossing[index]!;
    const attentions = cross ? [block, cross] : [block];
    for (const { projections, attentionOutput } of attentions) {
      if (projections.kind !== 'separate') throw new Error('the recipe trains T5 blocks');
      for (const matrix of [projections.key, projections.value, attentionOutput])
        deviations.set(matrix.weight, matrix.inSize ** -0.5);
      const { query } = projections;
      deviations.set(query.weight, (query.inSize * decoder.headDim) ** -0.5);
    }
    if (block.mlp.kind !== 'plain') throw new Error('the recipe trains T5 blocks');
    for (const matrix of [block.mlp.input, block.mlp.output]) deviations.set(matrix.weight, matrix.inSize ** -0.5);
    for (const norm of [block.attentionNorm, block.mlpNorm, ...(crossNorm ? [crossNorm] : [])]) norms.add(norm.weight);
  }
  for (const norm of [encoder.finalNorm, decoder.finalNorm]) if (norm) norms.add(norm.weight);
  // The tables of relative positions.
  const others = decoder.width ** -0.5;
  return drawn(parameters, seed, (name) => deviations.get(name) ?? others, norms);
}
