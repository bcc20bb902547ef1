// The linear maps that hypernetworks change: those of the MLPs of some layers, with the sites of what goes in and comes out.
import type { DecoderSpec, MatrixRef, Site } from '@errata/models';

/** A linear map of a layer. */
export interface EditedMap {
  readonly layer: number;
  readonly matrix: MatrixRef;
  readonly input: Site;
  /** Of its outputs, in order: a matrix that is gate and up in one has two. */
  readonly outputs: readonly Site[];
}

const valueMap = (layer: number, matrix: MatrixRef): EditedMap => ({
  layer,
  matrix,
  input: 'mlp_key',
  outputs: ['mlp_out'],
});

/** The last map of the MLP of each of some layers. */
export const valueMaps = ({ blocks }: DecoderSpec, layers: readonly number[]): readonly EditedMap[] =>
  layers.map((layer) => valueMap(layer, blocks[layer]!.mlp.output));

/** The maps of the MLPs of some layers, in order of use. */
export function mlpMaps({ blocks }: DecoderSpec, layers: readonly number[]): readonly EditedMap[] {
  return layers.flatMap((layer): readonly EditedMap[] => {
    const { mlp } = blocks[layer]!;
    const into = (matrix: MatrixRef, ...outputs: Site[]): EditedMap => ({ layer, matrix, input: 'mlp_in', outputs });
    const out = valueMap(layer, mlp.output);
    if (mlp.kind === 'plain') return [into(mlp.input, 'mlp_pre'), out];
    if (mlp.kind === 'gated') return [into(mlp.gate, 'mlp_pre'), into(mlp.up, 'mlp_up'), out];
    return [into(mlp.gateUp, 'mlp_pre', 'mlp_up'), out];
  });
}
