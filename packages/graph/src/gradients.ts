// Reverse-mode differentiation: a rule for every op type, applied only where a gradient is wanted.

import { sumRows } from './composites.ts';
import { sameDims, subDims } from './dims.ts';
import { GraphError } from './errors.ts';
import type { Node, NodeOf, OpType, Tensor } from './nodes.ts';
import * as ops from './ops.ts';
import { scope } from './tensor.ts';

/**
 * How one op type passes cotangents back.
 * @param cotangents one an output, null where none flows in
 * @param needed which inputs want one
 */
type Rule<K extends OpType> = (
  node: NodeOf<K>,
  cotangents: readonly (Tensor | null)[],
  needed: readonly boolean[],
) => readonly (Tensor | null)[];

/** Rules total by op type; `null` where no gradient can flow (comparisons, indices, sizes). */
type Rules = { readonly [K in OpType]: Rule<K> | null };

function floatOf(x: Tensor): 'float32' | 'float64' {
  return x.dtype === 'float64' ? 'float64' : 'float32';
}

/** Sums a cotangent over the axes along which its operand was stretched. */
function unbroadcast(cotangent: Tensor, like: Tensor): Tensor {
  if (sameDims(cotangent.dims, like.dims)) return cotangent;
  const extra = cotangent.dims.length - like.dims.length;
  const axes = cotangent.dims.flatMap((dim, i) => (i < extra || (like.dims[i - extra] === 1 && dim !== 1) ? [i] : []));
  return ops.reshape(ops.reduceSum(cotangent, axes, true), like.dims);
}

/** Wraps the usual case: one output, one cotangent. */
function rule<K extends OpType>(
  back: (dy: Tensor, node: NodeOf<K>, needed: readonly boolean[]) => readonly (Tensor | null | undefined | false)[],
): Rule<K> {
  return (node, [dy], needed) => (dy ? back(dy, node, needed).map((g) => g || null) : node.inputs.map(() => null));
}

/** The rule of an elementwise function of one tensor. */
function elementwise<K extends OpType>(back: (dy: Tensor, x: Tensor, y: Tensor) => Tensor): Rule<K> {
  return rule((dy, node) => [back(dy, node.inputs[0]!, node.outputs[0]!)]);
}

function swapLast(x: Tensor): Tensor {
  const rank = x.dims.length;
  const permutation = x.dims.map((_, i) => (i < rank - 2 ? i : i === rank - 2 ? rank - 1 : rank - 2));
  return ops.transpose(x, permutation);
}

/** Derivative of x·sigmoid(2u(x)), u the cubic of the tanh form: s + x·s·(1 - s)·2u'. */
function geluTanhSlope(x: Tensor): Tensor {
  const c = Math.sqrt(2 / Math.PI);
  const squared = ops.mul(x, x);
  const s = ops.sigmoid(ops.mul(x, ops.add(ops.mul(squared, 2 * c * 0.044715), 2 * c)));
  const slope = ops.add(ops.mul(squared, 6 * c * 0.044715), 2 * c);
  return ops.mul(s, ops.add(ops.mul(ops.mul(x, slope), ops.sub(1, s)), 1));
}

/** Φ(x) + x·φ(x). */
function geluErfSlope(x: Tensor): Tensor {
  const cdf = ops.mul(ops.add(ops.erf(ops.mul(x, Math.SQRT1_2)), 1), 0.5);
  const density = ops.mul(ops.exp(ops.mul(ops.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return ops.add(cdf, ops.mul(x, density));
}

function spreadReduction(dy: Tensor, node: NodeOf<'reduceSum' | 'reduceMean' | 'reduceMax'>): Tensor {
  const x = node.inputs[0]!;
  const kept = x.dims.map((dim, i) => (node.attributes.axes.includes(i) ? 1 : dim));
  return ops.reshape(dy, kept);
}

const rules: Rules = {
  add: rule((dy, { inputs: [a, b] }, [na, nb]) => [na && unbroadcast(dy, a!), nb && unbroadcast(dy, b!)]),
  sub: rule((dy, { inputs: [a, b] }, [na, nb]) => [na && unbroadcast(dy, a!), nb && ops.neg(unbroadcast(dy, b!))]),
  mul: rule((dy, { inputs: [a, b] }, [na, nb]) => [
    na && unbroadcast(ops.mul(dy, b!), a!),
    nb && unbroadcast(ops.mul(dy, a!), b!),
  ]),
  div: rule((dy, { inputs: [a, b], outputs: [y] }, [na, nb]) => {
    const quotient = ops.div(dy, b!);
    return [na && unbroadcast(quotient, a!), nb && ops.neg(unbroadcast(ops.mul(quotient, y!), b!))];
  }),
  pow: rule((dy, { inputs: [x], attributes: { exponent } }) => [
    exponent === 0
      ? ops.mul(dy, 0)
      : ops.mul(dy, ops.mul(exponent === 1 ? ops.pow(x!, 0) : ops.pow(x!, exponent - 1), exponent)),
  ]),
  neg: elementwise((dy) => ops.neg(dy)),
  exp: elementwise((dy, _, y) => ops.mul(dy, y)),
  log: elementwise((dy, x) => ops.div(dy, x)),
  sqrt: elementwise((dy, _, y) => ops.div(ops.mul(dy, 0.5), y)),
  sin: elementwise((dy, x) => ops.mul(dy, ops.cos(x))),
  cos: elementwise((dy, x) => ops.neg(ops.mul(dy, ops.sin(x)))),
  tanh: elementwise((dy, _, y) => ops.mul(dy, ops.sub(1, ops.mul(y, y)))),
  sigmoid: elementwise((dy, _, y) => ops.mul(dy, ops.mul(y, ops.sub(1, y)))),
  erf: elementwise((dy, x) => ops.mul(dy, ops.mul(ops.exp(ops.neg(ops.mul(x, x))), 2 / Math.sqrt(Math.PI)))),
  relu: elementwise((dy, _, y) => ops.where(ops.less(0, y), dy, 0)),
  gelu: rule((dy, { inputs: [x], attributes: { form } }) => [
    ops.mul(dy, form === 'tanh' ? geluTanhSlope(x!) : geluErfSlope(x!)),
  ]),
  less: null,
  lessOrEqual: null,
  equal: null,
  where: rule((dy, { inputs: [condition, yes, no] }, [, needYes, needNo]) => [
    null,
    needYes && unbroadcast(ops.where(condition!, dy, 0), yes!),
    needNo && unbroadcast(ops.where(condition!, 0, dy), no!),
  ]),
  cast: rule((dy, { inputs: [x] }) => [ops.cast(dy, x!.dtype)]),
  matmul: rule((dy, { inputs: [a, b] }, [na, nb]) => [
    na && unbroadcast(ops.matmul(dy, swapLast(b!)), a!),
    nb && unbroadcast(ops.matmul(swapLast(a!), dy), b!),
  ]),
  gemm: rule((dy, { inputs: [a, b, bias], attributes: { transA, transB } }, [na, nb, nBias]) => [
    na && (transA ? ops.gemm(b!, dy, { transA: transB, transB: true }) : ops.gemm(dy, b!, { transB: !transB })),
    nb && (transB ? ops.gemm(dy, a!, { transA: true, transB: transA }) : ops.gemm(a!, dy, { transA: !transA })),
    bias && nBias && (sameDims(bias.dims, dy.dims.slice(-1)) ? sumRows(dy) : unbroadcast(dy, bias)),
  ]),
  transpose: rule((dy, { attributes: { permutation } }) => [
    ops.transpose(
      dy,
      permutation.map((_, i) => permutation.indexOf(i)),
    ),
  ]),
  reshape: rule((dy, { inputs: [x] }) => [ops.reshape(dy, x!.dims)]),
  expand: rule((dy, { inputs: [x] }) => [unbroadcast(dy, x!)]),
  concat: rule((dy, { inputs, attributes: { axis } }, needed) => {
    const parts = ops.split(
      dy,
      axis,
      inputs.map((x) => x.dims[axis]!),
    );
    return parts.map((part, i) => needed[i] && part);
  }),
  split: (node, cotangents) => {
    const parts = node.outputs.map((y, i) => cotangents[i] ?? ops.fill(0, y.dims, floatOf(y)));
    return [ops.concat(parts, node.attributes.axis)];
  },
  slice: rule((dy, { inputs: [x], attributes: { axis, start, end } }) => [
    ops.pad(dy, axis, start, subDims(x!.dims[axis]!, end)),
  ]),
  pad: rule((dy, { inputs: [x], attributes: { axis, before } }) => {
    const end = subDims(dy.dims[axis]!, subDims(subDims(dy.dims[axis]!, before), x!.dims[axis]!));
    return [ops.slice(dy, axis, before, end)];
  }),
  gather: rule((dy, { inputs: [x, indices] }) => {
    const rows = dy.dims[0]!;
    const at = ops.reshape(indices!, [rows, ...dy.dims.slice(1).map(() => 1)]);
    return [ops.scatterElementsAdd(ops.fill(0, x!.dims, floatOf(x!)), ops.expand(at, dy.dims), dy, 0)];
  }),
  gatherElements: rule((dy, { inputs: [x, indices], attributes: { axis } }) => [
    ops.scatterElementsAdd(ops.fill(0, x!.dims, floatOf(x!)), indices!, dy, axis),
  ]),
  scatterElementsAdd: rule((dy, { inputs: [, indices], attributes: { axis } }, [needX, , needUpdates]) => [
    needX && dy,
    null,
    needUpdates && ops.gatherElements(dy, indices!, axis),
  ]),
  scatterRows: rule((dy, { inputs: [, indices, updates] }, [needX, , needUpdates]) => [
    needX && ops.scatterRows(dy, indices!, ops.fill(0, updates!.dims, floatOf(updates!))),
    null,
    needUpdates && ops.gather(dy, indices!),
  ]),
  softmax: elementwise((dy, _, y) => {
    const inner = ops.mul(dy, y);
    return ops.sub(inner, ops.mul(y, ops.reduceSum(inner, [-1], true)));
  }),
  logSoftmax: elementwise((dy, _, y) => ops.sub(dy, ops.mul(ops.exp(y), ops.reduceSum(dy, [-1], true)))),
  cumSum: rule((dy, { attributes: { reverse } }) => [ops.cumSum(dy, !reverse)]),
  reduceSum: rule((dy, node) => [ops.expand(spreadReduction(dy, node), node.inputs[0]!.dims)]),
  reduceMean: rule((dy, node) => {
    const x = node.inputs[0]!;
    const count = node.attributes.axes.map((axis) => ops.size(x.dims[axis]!, floatOf(x)));
    const scaled = count.reduce((g, n) => ops.div(g, n), spreadReduction(dy, node));
    return [ops.expand(scaled, x.dims)];
  }),
  reduceMax: rule((dy, node) => {
    const x = node.inputs[0]!;
    const winners = ops.cast(ops.equal(x, spreadReduction(node.outputs[0]!, node)), x.dtype);
    const ties = ops.reduceSum(winners, node.attributes.axes, true);
    return [ops.mul(winners, ops.div(spreadReduction(dy, node), ties))];
  }),
  argMax: null,
  topK: null,
  // Ba et al. 2016: with x̂ the normalised input and g = dy·scale, dx = (g - mean(g) - x̂·mean(g·x̂)) / σ.
  layerNorm: rule((dy, { inputs: [x, scale, bias], outputs: [, mean, inverse] }, [needX, needScale, needBias]) => {
    const normal = ops.mul(ops.sub(x!, mean!), inverse!);
    const matrix = (t: Tensor) => ops.reshape(t, [ops.rowCount(x!), x!.dims.at(-1)!]);
    const dx = () => {
      const g = ops.mul(dy, scale!);
      const along = ops.reduceMean(ops.mul(g, normal), [-1], true);
      return ops.mul(ops.sub(ops.sub(g, ops.reduceMean(g, [-1], true)), ops.mul(normal, along)), inverse!);
    };
    return [needX && dx(), needScale && sumRows(matrix(ops.mul(dy, normal))), needBias && bias && sumRows(matrix(dy))];
  }),
  size: null,
  stopGradient: null,
  composite: (node, cotangents, needed) => node.attributes.vjp(cotangents, needed),
};

/** Nodes from which `outputs` are computed, each after those it depends on, as differentiation sees them. */
function differentiationOrder(outputs: readonly Tensor[]): readonly Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const stack: { node: Node; next: number }[] = [];
  const visit = (tensor: Tensor) => {
    if (tensor.source.kind !== 'node' || seen.has(tensor.source.node)) return;
    seen.add(tensor.source.node);
    stack.push({ node: tensor.source.node, next: 0 });
  };
  for (const output of outputs) {
    visit(output);
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const dependency = top.node.inputs[top.next++];
      if (dependency) visit(dependency);
      else order.push(stack.pop()!.node);
    }
  }
  return order;
}

function applyRule(node: Node, cotangents: readonly (Tensor | null)[], needed: readonly boolean[]) {
  // The table is total by op type, so the rule found under a node's op takes that node.
  const back = rules[node.op] as Rule<OpType> | null;
  return scope(`d(${node.name})`, () => back?.(node, cotangents, needed) ?? node.inputs.map(() => null));
}

/**
 * Gradients of a scalar with respect to tensors (inputs, constants or results), as tensors of the same graph.
 * Only nodes that lie between `wrt` and the loss get backward nodes: frozen weights cost nothing.
 * @param loss one element, float
 * @throws GraphError `no_gradient` where the loss does not depend on a tensor of `wrt`
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): readonly Tensor[] {
  if (loss.dims.some((dim) => dim !== 1))
    throw new GraphError('shape_mismatch', 'the loss must have one element', { where: loss.name, shapes: [loss.dims] });
  const seed = ops.fill(1, loss.dims, floatOf(loss));
  return vectorJacobian([{ output: loss, cotangent: seed }], wrt);
}

/**
 * Vector-Jacobian product: Σ over outputs of cotangentᵀ · ∂output/∂wrt, for each tensor of `wrt`.
 * @throws GraphError `no_gradient` where no output depends on a tensor of `wrt`
 */
export function vectorJacobian(
  outputs: readonly { readonly output: Tensor; readonly cotangent: Tensor }[],
  wrt: readonly Tensor[],
): readonly Tensor[] {
  const order = differentiationOrder(outputs.map(({ output }) => output));
  const wanted = new Set(wrt);
  const needed = new Set<Tensor>(wrt);
  for (const node of order) {
    const flows = rules[node.op] !== null && node.inputs.some((x) => needed.has(x));
    if (flows) for (const y of node.outputs) needed.add(y);
  }
  const cotangents = new Map<Tensor, Tensor>();
  const accumulate = (tensor: Tensor, cotangent: Tensor) => {
    if (!sameDims(tensor.dims, cotangent.dims) || tensor.dtype !== cotangent.dtype)
      throw new GraphError('shape_mismatch', `cotangent of "${tensor.name}" has another shape or type`, {
        where: cotangent.name,
        shapes: [tensor.dims, cotangent.dims],
      });
    const before = cotangents.get(tensor);
    cotangents.set(tensor, before ? ops.add(before, cotangent) : cotangent);
  };
  for (const { output, cotangent } of outputs) accumulate(output, cotangent);
  for (const node of order.toReversed()) {
    const incoming = node.outputs.map((y) => cotangents.get(y) ?? null);
    const wants = node.inputs.map((x) => needed.has(x) && (x.dtype === 'float32' || x.dtype === 'float64'));
    if (incoming.every((g) => g === null) || !wants.includes(true)) continue;
    const outgoing = applyRule(node, incoming, wants);
    for (const [i, x] of node.inputs.entries()) {
      const g = outgoing[i];
      if (g && wants[i]) accumulate(x, g);
    }
    for (const y of node.outputs) if (!wanted.has(y)) cotangents.delete(y);
  }
  return wrt.map((tensor) => {
    const gradient = cotangents.get(tensor);
    if (!gradient)
      throw new GraphError('no_gradient', `the loss does not depend on "${tensor.name}"`, {
        where: 'gradients',
        shapes: [tensor.dims],
      });
    return gradient;
  });
}

/** Op types that have a gradient rule; the others pass none back. For tests and documentation. */
export function differentiableOps(): readonly OpType[] {
  return (Object.keys(rules) as OpType[]).filter((op) => rules[op] !== null);
}
