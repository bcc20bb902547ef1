// Emission: the graph behind a set of outputs as one ONNX model of standard operators.

import { type Dim, isSymbol, termsOf } from './dims.ts';
import { GraphError } from './errors.ts';
import type { ArrayOf, DType, Node, Tensor } from './nodes.ts';
import { emitNode, type Writer } from './onnx-operators.ts';
import { attribute, encodeModel, type NodeProto, onnxType, type TensorProto } from './onnx-schema.ts';

/** An emitted model and what it takes and gives. */
export interface EmittedModel {
  /** The model; large constants are named in it and kept in `weights`. */
  readonly bytes: Uint8Array;
  /** Bytes of the large constants by the location that the model names and where in it they begin: not copied, and free of protobuf's 2 GiB. */
  readonly weights: readonly { readonly path: string; readonly offset: number; readonly data: Uint8Array }[];
  /** Inputs the outputs depend on, in the order met; others are pruned. */
  readonly inputs: readonly Tensor[];
  /** ONNX operators in the model. */
  readonly nodeCount: number;
  /** Whether any value is float64. */
  readonly usesFloat64: boolean;
}

/** Where constants begin in a file of all of them: a multiple of what a page of memory is. */
const alignment = 4096;

/** Constants above this size stay outside the protobuf, which would copy them. */
const maxInlineBytes = 4096;

/** What must be computed before a node: its inputs, or a composite's body. */
function dependencies(node: Node): readonly Tensor[] {
  return node.op === 'composite' ? node.attributes.body : node.inputs;
}

interface Reached {
  readonly nodes: readonly Node[];
  readonly inputs: readonly Tensor[];
  readonly constants: readonly Tensor[];
}

/** Everything the outputs depend on, each node after its operands. @throws GraphError `cycle` */
function reach(outputs: readonly Tensor[]): Reached {
  const nodes: Node[] = [];
  const leaves = { input: new Set<Tensor>(), constant: new Set<Tensor>() };
  const state = new Map<Node, 'open' | 'done'>();
  const stack: { node: Node; next: number; operands: readonly Tensor[] }[] = [];
  const visit = (tensor: Tensor) => {
    if (tensor.source.kind !== 'node') {
      leaves[tensor.source.kind].add(tensor);
      return;
    }
    const { node } = tensor.source;
    if (state.get(node) === 'open')
      throw new GraphError('cycle', 'the node depends on its own result', {
        where: node.name,
        shapes: node.inputs.map((x) => x.dims),
      });
    if (state.has(node)) return;
    state.set(node, 'open');
    stack.push({ node, next: 0, operands: dependencies(node) });
  };
  for (const output of outputs) {
    visit(output);
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const operand = top.operands[top.next++];
      if (operand) visit(operand);
      else {
        state.set(top.node, 'done');
        nodes.push(top.node);
        stack.pop();
      }
    }
  }
  return { nodes, inputs: [...leaves.input], constants: [...leaves.constant] };
}

/** The value a tensor stands for, once composites and gradient stops are seen through. */
function resolve(tensor: Tensor): Tensor {
  let value = tensor;
  for (;;) {
    if (value.source.kind !== 'node') return value;
    const { node, index } = value.source;
    if (node.op === 'composite') value = node.attributes.body[index]!;
    else if (node.op === 'stopGradient') value = node.inputs[0]!;
    else return value;
  }
}

function bytesOf(data: ArrayOf[DType]): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function describe(name: string, { dtype, dims }: Tensor) {
  const dim = dims.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: onnxType[dtype], shape: { dim } } } };
}

function checkNames(inputs: readonly Tensor[], outputs: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of [...inputs.map((x) => x.name), ...outputs]) {
    if (seen.has(name))
      throw new GraphError('duplicate_name', `"${name}" names two inputs or outputs of one program`, { where: 'emit' });
    seen.add(name);
  }
}

/**
 * Emits the graph behind named outputs as ONNX bytes (opset 21, IR version 10). Values are named by their place in the
 * order of computation, so that equal graphs give equal bytes.
 * @param dataFile the one location that all large constants are to lie in, one behind another; without it each has its own
 * @param lacking operators to do without where others can make up for them
 * @throws GraphError `cycle`, `unbound_dimension` or `duplicate_name`
 */
export function emitOnnx(
  outputs: Readonly<Record<string, Tensor>>,
  { dataFile, lacking = [] }: { readonly dataFile?: string; readonly lacking?: readonly string[] } = {},
): EmittedModel {
  const { nodes, inputs, constants } = reach(Object.values(outputs));
  checkNames(inputs, Object.keys(outputs));

  const emitted: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const weights: EmittedModel['weights'][number][] = [];
  let free = 0;
  const names = new Map<Tensor, string>();
  const shared = new Map<string, string>();
  let current: Node | undefined;
  let counter = 0;
  // '%' keeps made-up names apart from those of inputs and outputs.
  const fresh = () => `%${counter++}`;

  const store = (dtype: DType, dims: readonly number[], data: ArrayOf[DType]): string => {
    const key = data.length <= 16 ? `${dtype}[${dims.join()}]${data.join()}` : undefined;
    const known = key === undefined ? undefined : shared.get(key);
    if (known !== undefined) return known;
    const name = fresh();
    const bytes = bytesOf(data);
    const proto = { name, dims, dataType: onnxType[dtype] };
    if (bytes.length <= maxInlineBytes) initializers.push({ ...proto, rawData: bytes });
    else {
      const path = dataFile ?? `constant_${weights.length}`;
      const offset = dataFile === undefined ? 0 : free;
      free = Math.ceil((offset + bytes.length) / alignment) * alignment;
      weights.push({ path, offset, data: bytes });
      const entries = { location: path, offset: `${offset}`, length: `${bytes.length}` };
      const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
      initializers.push({ ...proto, externalData, dataLocation: 1 });
    }
    if (key !== undefined) shared.set(key, name);
    return name;
  };
  const op: Writer['op'] = (type, operands, attributes = [], results = [fresh()]) => {
    const name = `${current?.name ?? 'output'}#${emitted.length}`;
    emitted.push({ opType: type, input: operands, output: results, attribute: attributes, name });
    return results[0]!;
  };
  const memo = (key: string, make: () => string): string => {
    const name = shared.get(key) ?? make();
    shared.set(key, name);
    return name;
  };
  const symbol = (name: string): string =>
    memo(`symbol ${name}`, () => {
      for (const x of inputs) {
        const axis = x.dims.indexOf(name);
        if (axis >= 0) return op('Shape', [x.name], [attribute.int('start', axis), attribute.int('end', axis + 1)]);
      }
      throw new GraphError('unbound_dimension', `no input of the program has an axis of size ${name}`, {
        where: current?.name ?? 'emit',
        shapes: inputs.map((x) => x.dims),
      });
    });
  const int64 = (values: readonly number[]) => store('int64', [values.length], BigInt64Array.from(values, BigInt));
  const oneSize = (dim: Dim): string => {
    if (typeof dim === 'number') return int64([dim]);
    if (isSymbol(dim)) return symbol(dim);
    return memo(`size ${dim}`, () =>
      termsOf(dim)
        .map(({ coefficient, symbols }) => {
          const factors = [
            ...(coefficient === 1 && symbols.length > 0 ? [] : [int64([coefficient])]),
            ...symbols.map(symbol),
          ];
          return factors.reduce((a, b) => op('Mul', [a, b]));
        })
        .reduce((a, b) => op('Add', [a, b])),
    );
  };
  const sizes: Writer['sizes'] = (dims) =>
    dims.every((dim) => typeof dim === 'number')
      ? int64(dims)
      : dims.length === 1
        ? oneSize(dims[0]!)
        : memo(`sizes ${dims.join()}`, () => op('Concat', dims.map(oneSize), [attribute.int('axis', 0)]));

  const nameOf = (tensor: Tensor): string => {
    const name = names.get(tensor);
    if (name === undefined)
      throw new GraphError('cycle', `"${tensor.name}" is used before it is computed`, { where: 'emit' });
    return name;
  };
  const writer: Writer = {
    nameOf,
    alias: (result, value) => names.set(result, nameOf(value)),
    op,
    lacks: (type) => lacking.includes(type),
    number: (value, dtype) => store(dtype, [], dtype === 'float64' ? Float64Array.of(value) : Float32Array.of(value)),
    sizes,
  };

  for (const x of inputs) names.set(x, x.name);
  for (const c of constants) {
    // A constant's sizes were checked to be numbers when it was made.
    if (c.source.kind === 'constant') names.set(c, store(c.dtype, c.dims as readonly number[], c.source.data));
  }
  const direct = new Map<Tensor, string>();
  for (const [name, tensor] of Object.entries(outputs)) {
    const value = resolve(tensor);
    if (value.source.kind === 'node' && !direct.has(value)) direct.set(value, name);
  }
  for (const node of nodes) {
    current = node;
    for (const y of node.outputs) names.set(y, direct.get(y) ?? fresh());
    emitNode(node, writer);
  }
  current = undefined;
  for (const [name, tensor] of Object.entries(outputs)) {
    if (nameOf(tensor) !== name) op('Identity', [nameOf(tensor)], [], [name]);
  }
  const bytes = encodeModel({
    name: 'graph',
    node: emitted,
    initializer: initializers,
    input: inputs.map((x) => describe(x.name, x)),
    output: Object.entries(outputs).map(([name, tensor]) => describe(name, tensor)),
  });
  const usesFloat64 = [...inputs, ...constants, ...nodes.flatMap((node) => node.outputs)].some(
    (x) => x.dtype === 'float64',
  );
  return { bytes, weights, inputs, nodeCount: emitted.length, usesFloat64 };
}
