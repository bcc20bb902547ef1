// The family-neutral description of a decoder: its sizes, and the name and orientation of every tensor it reads.

import type { Orientation } from '@errata/graph';

/** A linear map of the checkpoint. */
export interface MatrixRef {
  /** Name of the weight in the checkpoint. */
  readonly weight: string;
  readonly bias: string | null;
  /** How the weight lies: fixed by the family, never guessed from the shape (square matrices would be ambiguous). */
  readonly orientation: Orientation;
  readonly inSize: number;
  readonly outSize: number;
}

/** A normalisation of the checkpoint; RMS norms have no bias. */
export interface NormRef {
  readonly weight: string;
  readonly bias: string | null;
}

/** Functions that an MLP may apply. */
export type Activation = 'gelu_tanh' | 'gelu_erf' | 'silu' | 'relu';

/** The MLP of a block. `output` is W_out, the value matrix that locate-then-edit methods change. */
export type MlpRefs =
  | { readonly kind: 'plain'; readonly input: MatrixRef; readonly output: MatrixRef; readonly activation: Activation }
  | {
      readonly kind: 'gated';
      readonly gate: MatrixRef;
      readonly up: MatrixRef;
      readonly output: MatrixRef;
      readonly activation: Activation;
    };

/** Projections to queries, keys and values: one matrix for the three, or one each. */
export type ProjectionRefs =
  | { readonly kind: 'fused'; readonly matrix: MatrixRef }
  | { readonly kind: 'separate'; readonly query: MatrixRef; readonly key: MatrixRef; readonly value: MatrixRef };

/** One block: pre-norm attention, then pre-norm MLP, both added to the residual stream. */
export interface BlockRefs {
  readonly attentionNorm: NormRef;
  readonly projections: ProjectionRefs;
  readonly attentionOutput: MatrixRef;
  readonly mlpNorm: NormRef;
  readonly mlp: MlpRefs;
}

/** How positions enter: a learned table added to the embeddings, or rotation of queries and keys (Su et al. 2021). */
export type Positions =
  | { readonly kind: 'learned'; readonly table: string }
  | { readonly kind: 'rotary'; readonly inverseFrequencies: readonly number[] };

/** A decoder-only transformer of a supported family. */
export interface DecoderSpec {
  /** The `model_type` of its config.json; data to be said and stored, nothing acts on it. */
  readonly family: string;
  readonly layers: number;
  /** Size of the residual stream. */
  readonly width: number;
  readonly heads: number;
  /** Heads of keys and values; fewer than `heads` under grouped-query attention. */
  readonly kvHeads: number;
  readonly headDim: number;
  /** Size of an MLP key, the input of W_out. */
  readonly mlpWidth: number;
  readonly vocab: number;
  /** Longest sequence, in tokens. */
  readonly context: number;
  readonly norm: { readonly kind: 'layer' | 'rms'; readonly epsilon: number };
  readonly positions: Positions;
  readonly tokenEmbedding: string;
  readonly blocks: readonly BlockRefs[];
  readonly finalNorm: NormRef;
  readonly head: MatrixRef;
  /** Whether the head is the token embedding. */
  readonly tied: boolean;
  /** Every tensor read, by name, with its shape as stored. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
}

/** Shape of a weight as its orientation stores it. */
export function matrixShape(matrix: MatrixRef): readonly [number, number] {
  return matrix.orientation === 'in_out' ? [matrix.inSize, matrix.outSize] : [matrix.outSize, matrix.inSize];
}

/** W_out of a layer. @throws RangeError for a layer that the model does not have */
export function valueMatrix(spec: DecoderSpec, layer: number): MatrixRef {
  const block = spec.blocks[layer];
  if (!block) throw new RangeError(`layer ${layer} is outside 0..${spec.layers - 1}`);
  return block.mlp.output;
}

/** The linear maps of a block in order of use. */
function blockMatrices(block: BlockRefs): readonly MatrixRef[] {
  const { projections, mlp } = block;
  return [
    ...(projections.kind === 'fused' ? [projections.matrix] : [projections.query, projections.key, projections.value]),
    block.attentionOutput,
    ...(mlp.kind === 'plain' ? [mlp.input] : [mlp.gate, mlp.up]),
    mlp.output,
  ];
}

/** Finds the linear map that a weight name belongs to, the head included; undefined for norms and tables. */
export function findMatrix(spec: DecoderSpec, weight: string): MatrixRef | undefined {
  return [...spec.blocks.flatMap(blockMatrices), spec.head].find((matrix) => matrix.weight === weight);
}

/** Lists the parameters of a decoder in order of use. */
export function listParameters(
  spec: Omit<DecoderSpec, 'family' | 'parameters'>,
): ReadonlyMap<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  const norm = ({ weight, bias }: NormRef) => {
    shapes.set(weight, [spec.width]);
    if (bias !== null) shapes.set(bias, [spec.width]);
  };
  const matrix = (ref: MatrixRef) => {
    shapes.set(ref.weight, matrixShape(ref));
    if (ref.bias !== null) shapes.set(ref.bias, [ref.outSize]);
  };
  shapes.set(spec.tokenEmbedding, [spec.vocab, spec.width]);
  if (spec.positions.kind === 'learned') shapes.set(spec.positions.table, [spec.context, spec.width]);
  for (const block of spec.blocks) {
    norm(block.attentionNorm);
    norm(block.mlpNorm);
    blockMatrices(block).forEach(matrix);
  }
  norm(spec.finalNorm);
  if (!spec.tied) matrix(spec.head);
  return shapes;
}
