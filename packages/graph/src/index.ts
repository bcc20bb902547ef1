// Tensor graphs with gradients, executed by onnxruntime, and float64 linear algebra. Knows nothing of language models.

export {
  type HeadOptions,
  linear,
  linearCrossEntropy,
  type Orientation,
  rmsNorm,
  softCap,
  sumRows,
} from './composites.ts';
export { addDims, type Dim, mulDims, subDims } from './dims.ts';
export { GraphError, type GraphErrorCode, type GraphErrorFields } from './errors.ts';
export { gradients, vectorJacobian } from './gradients.ts';
export { joinedArrays } from './joined-arrays.ts';
export { invertPositive, solvePositive, woodburySolve } from './linalg.ts';
export {
  identity,
  type Matrix,
  matrix,
  multiply,
  type ProductOptions,
  transposeMatrix,
} from './matrix.ts';
export type { ArrayOf, CompositeVjp, DType, OpType, Tensor } from './nodes.ts';
export { type EmittedModel, emitOnnx } from './onnx.ts';
export {
  add,
  argMax,
  cast,
  composite,
  concat,
  cos,
  cumSum,
  div,
  equal,
  erf,
  exp,
  expand,
  fill,
  gather,
  gatherElements,
  gelu,
  gemm,
  layerNorm,
  less,
  lessOrEqual,
  log,
  logSoftmax,
  matmul,
  mul,
  neg,
  type Operand,
  pad,
  pow,
  reduceMax,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  scatterElementsAdd,
  scatterRows,
  sigmoid,
  silu,
  sin,
  size,
  slice,
  softmax,
  split,
  sqrt,
  square,
  stopGradient,
  sub,
  tanh,
  topK,
  transpose,
  where,
} from './ops.ts';
export {
  type AdamWOptions,
  adamW,
  clipGlobalNorm,
  globalNorm,
  type MuonMatrix,
  type MuonOptions,
  muon,
  type NamedArrays,
  type Optimizer,
  type OptimizerState,
} from './optimizers.ts';
export { type Placement, placementOf } from './placement.ts';
export {
  compile,
  evaluate,
  findProviders,
  type HostTensors,
  type Program,
  type Provider,
  type ProviderFinding,
  type RuntimeSettings,
  runtimeSettings,
} from './program.ts';
export { type SingularValues, type SymmetricEigen, singularValues, symmetricEigen } from './spectral.ts';
export {
  addGram,
  addToDiagonal,
  diagonalOf,
  divideBy,
  lowerOf,
  type Symmetric,
  symmetric,
  symmetricLength,
  wholeOf,
} from './symmetric.ts';
export {
  constant,
  float32,
  float32Data,
  float64,
  float64Data,
  type HostTensor,
  host,
  input,
  int32,
  int32Data,
  scalar,
  scope,
} from './tensor.ts';
