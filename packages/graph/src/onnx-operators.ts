// How each op type is written in ONNX operators, float64 decompositions included.

import type { Dim } from './dims.ts';
import type { Node, NodeOf, OpType, Tensor } from './nodes.ts';
import { type AttributeProto, attribute, onnxType } from './onnx-schema.ts';

/** Where emission writes: ONNX nodes and constants under construction. */
export interface Writer {
  /** The ONNX name of a value. */
  readonly nameOf: (tensor: Tensor) => string;
  /** Gives a result the name of another value, so that no operator is spent on it. */
  readonly alias: (result: Tensor, value: Tensor) => void;
  /** Adds an operator; where no outputs are named, one is made up and returned. */
  readonly op: (
    type: string,
    inputs: readonly string[],
    attributes?: readonly AttributeProto[],
    outputs?: readonly string[],
  ) => string;
  /** Whether an operator is to be made up for by others. */
  readonly lacks: (type: string) => boolean;
  /** A constant, shared among equal ones. */
  readonly number: (value: number, dtype: 'float32' | 'float64') => string;
  /** An int64 vector of sizes, computed at run time where symbols occur. */
  readonly sizes: (dims: readonly Dim[]) => string;
}

type Emitter<K extends OpType> = (node: NodeOf<K>, w: Writer) => void;

function direct<K extends OpType>(
  type: string,
  attributes: (node: NodeOf<K>) => readonly AttributeProto[] = () => [],
): Emitter<K> {
  return (node, w) => {
    w.op(type, node.inputs.map(w.nameOf), attributes(node), node.outputs.map(w.nameOf));
  };
}

const lastAxis = () => [attribute.int('axis', -1)];

function reduction<K extends 'reduceSum' | 'reduceMean' | 'reduceMax'>(type: string): Emitter<K> {
  return (node, w) => {
    const { axes, keepDims } = node.attributes;
    const flags = [attribute.int('keepdims', keepDims ? 1 : 0)];
    w.op(type, [w.nameOf(node.inputs[0]!), w.sizes(axes)], flags, [w.nameOf(node.outputs[0]!)]);
  };
}

/** float64 has no Erf kernel: Kummer's series, every term positive, exact to rounding over the clamped range. */
function erfSeries(x: string, w: Writer, output?: string): string {
  const n = (value: number) => w.number(value, 'float64');
  const clamped = w.op('Clip', [x, n(-6), n(6)]);
  const doubled = w.op('Mul', [w.op('Mul', [clamped, clamped]), n(2)]);
  let series = n(1);
  for (let k = 130; k >= 1; k--)
    series = w.op('Add', [w.op('Mul', [w.op('Mul', [doubled, n(1 / (2 * k + 1))]), series]), n(1)]);
  const density = w.op('Exp', [w.op('Mul', [doubled, n(-0.5)])]);
  const scaled = w.op('Mul', [w.op('Mul', [clamped, density]), n(2 / Math.sqrt(Math.PI))]);
  return w.op('Mul', [scaled, series], [], output === undefined ? undefined : [output]);
}

function emitGelu64(x: string, form: 'tanh' | 'erf', w: Writer, output: string): void {
  const n = (value: number) => w.number(value, 'float64');
  if (form === 'erf') {
    const cdf = w.op('Add', [erfSeries(w.op('Mul', [x, n(Math.SQRT1_2)]), w), n(1)]);
    w.op('Mul', [w.op('Mul', [x, n(0.5)]), cdf], [], [output]);
    return;
  }
  const c = 2 * Math.sqrt(2 / Math.PI);
  const cubic = w.op('Add', [w.op('Mul', [w.op('Mul', [x, x]), n(c * 0.044715)]), n(c)]);
  w.op('Mul', [x, w.op('Sigmoid', [w.op('Mul', [x, cubic])])], [], [output]);
}

/** ONNX types the statistics of a float64 LayerNormalization as float32, so that type is spelled out. */
function emitLayerNorm64({ inputs, outputs, attributes }: NodeOf<'layerNorm'>, w: Writer): void {
  const [x, scale, bias] = inputs.map(w.nameOf) as [string, string, string];
  const [y, mean, inverse] = outputs.map(w.nameOf) as [string, string, string];
  const axes = w.sizes([inputs[0]!.dims.length - 1]);
  const centred = w.op('Sub', [x, w.op('ReduceMean', [x, axes], [], [mean])]);
  const variance = w.op('ReduceMean', [w.op('Mul', [centred, centred]), axes]);
  const deviation = w.op('Sqrt', [w.op('Add', [variance, w.number(attributes.epsilon, 'float64')])]);
  w.op('Div', [w.number(1, 'float64'), deviation], [], [inverse]);
  w.op('Add', [w.op('Mul', [w.op('Mul', [centred, inverse]), scale]), bias], [], [y]);
}

/**
 * The shape operand of Reshape: `0` copies an axis, one `-1` is inferred; what is left is computed.
 * A literal size 0 would mean "copy", so it goes with `allowzero`.
 */
function emitReshape({ inputs, outputs, attributes: { dims } }: NodeOf<'reshape'>, w: Writer): void {
  const x = inputs[0]!;
  const names: [string[], string[]] = [[w.nameOf(x)], [w.nameOf(outputs[0]!)]];
  if (dims.includes(0)) {
    w.op('Reshape', [...names[0], w.sizes(dims)], [attribute.int('allowzero', 1)], names[1]);
    return;
  }
  const copied = dims.map((dim, i) => (typeof dim === 'string' && dim === x.dims[i] ? 0 : dim));
  const open = copied.filter((dim) => typeof dim === 'string').length;
  const target = open === 1 ? copied.map((dim) => (typeof dim === 'string' ? -1 : dim)) : copied;
  w.op('Reshape', [...names[0], w.sizes(target)], [], names[1]);
}

const emitters: { readonly [K in OpType]: Emitter<K> } = {
  add: direct('Add'),
  sub: direct('Sub'),
  mul: direct('Mul'),
  div: direct('Div'),
  pow: (node, w) => {
    const x = node.inputs[0]!;
    const exponent = w.number(node.attributes.exponent, x.dtype === 'float64' ? 'float64' : 'float32');
    w.op('Pow', [w.nameOf(x), exponent], [], [w.nameOf(node.outputs[0]!)]);
  },
  neg: direct('Neg'),
  exp: direct('Exp'),
  log: direct('Log'),
  sqrt: direct('Sqrt'),
  sin: direct('Sin'),
  cos: direct('Cos'),
  tanh: direct('Tanh'),
  sigmoid: direct('Sigmoid'),
  erf: (node, w) => {
    const [x, y] = [w.nameOf(node.inputs[0]!), w.nameOf(node.outputs[0]!)];
    if (node.inputs[0]!.dtype === 'float64') erfSeries(x, w, y);
    else w.op('Erf', [x], [], [y]);
  },
  relu: direct('Relu'),
  gelu: (node, w) => {
    const [x, y] = [w.nameOf(node.inputs[0]!), w.nameOf(node.outputs[0]!)];
    const { form } = node.attributes;
    if (node.inputs[0]!.dtype === 'float64') emitGelu64(x, form, w, y);
    else w.op('Gelu', [x], [attribute.string('approximate', form === 'tanh' ? 'tanh' : 'none')], [y]);
  },
  less: direct('Less'),
  lessOrEqual: direct('LessOrEqual'),
  equal: direct('Equal'),
  where: direct('Where'),
  cast: direct('Cast', ({ attributes: { to } }) => [attribute.int('to', onnxType[to])]),
  matmul: direct('MatMul'),
  gemm: direct('Gemm', ({ attributes: { transA, transB } }) => [
    ...(transA ? [attribute.int('transA', 1)] : []),
    ...(transB ? [attribute.int('transB', 1)] : []),
  ]),
  transpose: direct('Transpose', ({ attributes: { permutation } }) => [attribute.ints('perm', permutation)]),
  reshape: emitReshape,
  expand: (node, w) => {
    const x = node.inputs[0]!;
    const extra = node.attributes.dims.length - x.dims.length;
    // A 1 keeps the operand's own size, so only stretched axes need to be known.
    const target = node.attributes.dims.map((dim, i) => (i >= extra && x.dims[i - extra] === dim ? 1 : dim));
    w.op('Expand', [w.nameOf(x), w.sizes(target)], [], [w.nameOf(node.outputs[0]!)]);
  },
  concat: direct('Concat', ({ attributes: { axis } }) => [attribute.int('axis', axis)]),
  split: (node, w) => {
    const { axis, sizes } = node.attributes;
    const inputs = [w.nameOf(node.inputs[0]!), w.sizes(sizes)];
    w.op('Split', inputs, [attribute.int('axis', axis)], node.outputs.map(w.nameOf));
  },
  slice: (node, w) => {
    const { axis, start, end } = node.attributes;
    const inputs = [w.nameOf(node.inputs[0]!), w.sizes([start]), w.sizes([end]), w.sizes([axis])];
    w.op('Slice', inputs, [], [w.nameOf(node.outputs[0]!)]);
  },
  pad: (node, w) => {
    const { axis, before, after } = node.attributes;
    const inputs = [w.nameOf(node.inputs[0]!), w.sizes([before, after]), '', w.sizes([axis])];
    w.op('Pad', inputs, [], [w.nameOf(node.outputs[0]!)]);
  },
  gather: direct('Gather', () => [attribute.int('axis', 0)]),
  gatherElements: direct('GatherElements', ({ attributes: { axis } }) => [attribute.int('axis', axis)]),
  scatterElementsAdd: direct('ScatterElements', ({ attributes: { axis } }) => [
    attribute.int('axis', axis),
    attribute.string('reduction', 'add'),
  ]),
  scatterRows: (node, w) => {
    const [x, indices, updates] = node.inputs.map(w.nameOf) as [string, string, string];
    const wide = w.op('Cast', [indices], [attribute.int('to', onnxType.int64)]);
    const column = w.op('Unsqueeze', [wide, w.sizes([1])]);
    w.op('ScatterND', [x, column, updates], [], [w.nameOf(node.outputs[0]!)]);
  },
  softmax: direct('Softmax', lastAxis),
  logSoftmax: (node, w) => {
    if (!w.lacks('LogSoftmax')) return direct<'logSoftmax'>('LogSoftmax', lastAxis)(node, w);
    const last = w.sizes([node.inputs[0]!.dims.length - 1]);
    const x = w.nameOf(node.inputs[0]!);
    const below = w.op('Sub', [x, w.op('ReduceMax', [x, last])]);
    const total = w.op('Log', [w.op('ReduceSum', [w.op('Exp', [below]), last])]);
    w.op('Sub', [below, total], [], [w.nameOf(node.outputs[0]!)]);
  },
  cumSum: (node, w) => {
    const axis = w.sizes([node.inputs[0]!.dims.length - 1]);
    const flags = node.attributes.reverse ? [attribute.int('reverse', 1)] : [];
    w.op('CumSum', [w.nameOf(node.inputs[0]!), axis], flags, [w.nameOf(node.outputs[0]!)]);
  },
  reduceSum: reduction('ReduceSum'),
  reduceMean: reduction('ReduceMean'),
  reduceMax: reduction('ReduceMax'),
  argMax: direct('ArgMax', () => [attribute.int('axis', -1), attribute.int('keepdims', 0)]),
  topK: (node, w) => {
    w.op('TopK', [w.nameOf(node.inputs[0]!), w.sizes([node.attributes.k])], lastAxis(), node.outputs.map(w.nameOf));
  },
  layerNorm: (node, w) => {
    if (node.inputs[0]!.dtype === 'float64') emitLayerNorm64(node, w);
    else
      direct<'layerNorm'>('LayerNormalization', ({ attributes: { epsilon } }) => [
        attribute.int('axis', -1),
        attribute.float('epsilon', epsilon),
      ])(node, w);
  },
  size: (node, w) => {
    const dtype = node.outputs[0]!.dtype;
    const value = w.op('Cast', [w.sizes([node.attributes.dim])], [attribute.int('to', onnxType[dtype])]);
    w.op('Squeeze', [value, w.sizes([0])], [], [w.nameOf(node.outputs[0]!)]);
  },
  stopGradient: (node, w) => w.alias(node.outputs[0]!, node.inputs[0]!),
  composite: (node, w) => {
    for (const [i, y] of node.outputs.entries()) w.alias(y, node.attributes.body[i]!);
  },
};

/** Writes one node. */
export function emitNode(node: Node, w: Writer): void {
  // The table is total by op type, so the emitter found under a node's op takes that node.
  (emitters[node.op] as Emitter<OpType>)(node, w);
}
