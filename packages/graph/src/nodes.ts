// The graph as data: its tensors, and the operators they come from, a closed table of op types with the attributes of each.

import type { Dim } from './dims.ts';

/** Element types of the graph. Ids are int32; int64 is only what some operators return. */
export type DType = 'float32' | 'float64' | 'int32' | 'int64' | 'bool';

/** The typed array that holds each element type in host memory. */
export interface ArrayOf {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly bool: Uint8Array;
}

/** Where a tensor comes from. */
export type Source =
  | { readonly kind: 'input' }
  | { readonly kind: 'constant'; readonly data: ArrayOf[DType] }
  | { readonly kind: 'node'; readonly node: Node; readonly index: number };

/** A value in a graph: no data until a program runs. */
export interface Tensor {
  readonly id: number;
  /** Inputs: the feed's name. Constants and results: a label for error messages. */
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly Dim[];
  readonly source: Source;
}

type None = Record<never, never>;

/**
 * Vector-Jacobian product of a composite.
 * @param cotangents one an output, null where nothing flows into that output
 * @param needed which inputs want a cotangent
 * @returns one cotangent an input, null for those not needed
 */
export type CompositeVjp = (
  cotangents: readonly (Tensor | null)[],
  needed: readonly boolean[],
) => readonly (Tensor | null)[];

/** Attributes of each op type. The keys are the closed list of operators. */
export interface OpAttributes {
  readonly add: None;
  readonly sub: None;
  readonly mul: None;
  readonly div: None;
  readonly pow: { readonly exponent: number };
  readonly neg: None;
  readonly exp: None;
  readonly log: None;
  readonly sqrt: None;
  readonly sin: None;
  readonly cos: None;
  readonly tanh: None;
  readonly sigmoid: None;
  readonly erf: None;
  readonly relu: None;
  readonly gelu: { readonly form: 'tanh' | 'erf' };
  readonly less: None;
  readonly lessOrEqual: None;
  readonly equal: None;
  readonly where: None;
  readonly cast: { readonly to: DType };
  readonly matmul: None;
  readonly gemm: { readonly transA: boolean; readonly transB: boolean };
  readonly transpose: { readonly permutation: readonly number[] };
  readonly reshape: { readonly dims: readonly Dim[] };
  readonly expand: { readonly dims: readonly Dim[] };
  readonly concat: { readonly axis: number };
  readonly split: { readonly axis: number; readonly sizes: readonly Dim[] };
  readonly slice: { readonly axis: number; readonly start: Dim; readonly end: Dim };
  readonly pad: { readonly axis: number; readonly before: Dim; readonly after: Dim };
  readonly gather: None;
  readonly gatherElements: { readonly axis: number };
  readonly scatterElementsAdd: { readonly axis: number };
  readonly scatterRows: None;
  readonly softmax: None;
  readonly logSoftmax: None;
  readonly cumSum: { readonly reverse: boolean };
  readonly reduceSum: { readonly axes: readonly number[]; readonly keepDims: boolean };
  readonly reduceMean: { readonly axes: readonly number[]; readonly keepDims: boolean };
  readonly reduceMax: { readonly axes: readonly number[]; readonly keepDims: boolean };
  readonly argMax: None;
  readonly topK: { readonly k: number };
  readonly layerNorm: { readonly epsilon: number };
  readonly size: { readonly dim: Dim };
  readonly stopGradient: None;
  readonly composite: { readonly label: string; readonly body: readonly Tensor[]; readonly vjp: CompositeVjp };
}

/** Every operator's name. */
export type OpType = keyof OpAttributes;

/** A node of one op type. */
export interface NodeOf<K extends OpType> {
  readonly op: K;
  /** Scoped label, for error messages. */
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly attributes: OpAttributes[K];
  /** Filled once, while the node is made. */
  readonly outputs: Tensor[];
}

/** A node of any op type. */
export type Node = { [K in OpType]: NodeOf<K> }[OpType];
