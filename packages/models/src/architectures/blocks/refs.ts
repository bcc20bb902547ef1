// What blocks are made of, as a checkpoint names it: linear maps, norms, and the attention and MLP that they make up.

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
  /** Its size, where that is not the width of the model. */
  readonly size?: number;
  /** What the stored weight lacks to be the scale: 1 where 1 + w scales. */
  readonly offset?: number | undefined;
}

/** Where the norms of a block stand: before what is added to the residual stream is computed, or after it was added. */
export type NormPlacement = 'before' | 'after';

/** Functions that an MLP may apply. */
export const activations = ['gelu_tanh', 'gelu_erf', 'silu', 'relu'] as const;
export type Activation = (typeof activations)[number];

/** The MLP of a block. `output` is W_out, the value matrix that locate-then-edit methods change. */
export type MlpRefs =
  | { readonly kind: 'plain'; readonly input: MatrixRef; readonly output: MatrixRef; readonly activation: Activation }
  | {
      readonly kind: 'gated';
      readonly gate: MatrixRef;
      readonly up: MatrixRef;
      readonly output: MatrixRef;
      readonly activation: Activation;
    }
  | {
      readonly kind: 'gated_fused';
      /** Gate and up in one matrix, the gate's outputs first. */
      readonly gateUp: MatrixRef;
      readonly output: MatrixRef;
      readonly activation: Activation;
    };

/** Projections to queries, keys and values, one matrix each. */
export interface SeparateProjectionRefs {
  readonly kind: 'separate';
  readonly query: MatrixRef;
  readonly key: MatrixRef;
  readonly value: MatrixRef;
}

/** Projections to queries, keys and values: one matrix for the three, or one each. */
export type ProjectionRefs =
  | {
      readonly kind: 'fused';
      readonly matrix: MatrixRef;
      /** What lies together in its outputs: all queries, all keys, all values; or those of each head of keys. */
      readonly by: 'kind' | 'head';
    }
  | SeparateProjectionRefs;

/** Norms of queries and keys before they are rotated, of each head by itself or of all heads as one vector. */
export interface HeadNorms {
  readonly over: 'head' | 'all';
  readonly query: NormRef;
  readonly key: NormRef;
  readonly epsilon: number;
}

/** The rotation of queries and keys by position (Su et al. 2021). */
export interface Rotary {
  /** Radians a position of each pair of dimensions; what a head has beyond them stays as it is. */
  readonly inverseFrequencies: readonly number[];
  /** Which dimensions are a pair: those as far apart as there are pairs, where left out, or neighbours. */
  readonly pairs?: 'halves' | 'neighbours';
  /** What rotated dimensions are multiplied by, where they are. */
  readonly scale?: number | undefined;
}

/** The parameters of an attention. */
export interface AttentionRefs {
  readonly projections: ProjectionRefs;
  readonly headNorms?: HeadNorms | undefined;
  readonly attentionOutput: MatrixRef;
}

/** The linear maps of an attention to another sequence, which has keys and values of its own. */
export interface CrossAttentionRefs extends AttentionRefs {
  readonly projections: SeparateProjectionRefs;
}

/** How many heads an attention has, and of what size. */
export interface AttentionShape {
  readonly heads: number;
  /** Heads of keys and values; fewer than `heads` under grouped-query attention. */
  readonly kvHeads: number;
  readonly headDim: number;
  /** What scores are multiplied by; 1/√headDim if not said. */
  readonly scoreScale?: number;
  /** Bound of the scores, which a tanh keeps within ±it, before anything is hidden. */
  readonly scoreCap?: number | undefined;
}

/** Shape of a weight as its orientation stores it. */
export function matrixShape(matrix: MatrixRef): readonly [number, number] {
  return matrix.orientation === 'in_out' ? [matrix.inSize, matrix.outSize] : [matrix.outSize, matrix.inSize];
}

/** The linear maps of an attention in order of use. */
export function attentionMatrices({ projections, attentionOutput }: AttentionRefs): readonly MatrixRef[] {
  return [
    ...(projections.kind === 'fused' ? [projections.matrix] : [projections.query, projections.key, projections.value]),
    attentionOutput,
  ];
}

/** The linear maps of an MLP in order of use. */
export function mlpMatrices(mlp: MlpRefs): readonly MatrixRef[] {
  if (mlp.kind === 'plain') return [mlp.input, mlp.output];
  return mlp.kind === 'gated' ? [mlp.gate, mlp.up, mlp.output] : [mlp.gateUp, mlp.output];
}

/** Parameters by name with their shapes as stored, gathered in order of use. */
export interface ParameterList {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly table: (name: string, shape: readonly number[]) => void;
  readonly norm: (ref: NormRef) => void;
  readonly matrix: (ref: MatrixRef) => void;
}

/** An empty list. @param width size of the norms that name none */
export function parameterList(width: number): ParameterList {
  const shapes = new Map<string, readonly number[]>();
  const table: ParameterList['table'] = (name, shape) => void shapes.set(name, shape);
  return {
    shapes,
    table,
    norm: ({ weight, bias, size = width }) => {
      table(weight, [size]);
      if (bias !== null) table(bias, [size]);
    },
    matrix: (ref) => {
      table(ref.weight, matrixShape(ref));
      if (ref.bias !== null) table(ref.bias, [ref.outSize]);
    },
  };
}
