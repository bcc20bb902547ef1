// Optimizers over typed arrays, in place: AdamW for any parameter, Muon for matrices. Their state can be stored and restored.

import { GraphError } from './errors.ts';
import type { Tensor } from './nodes.ts';
import { add, concat, div, gemm, mul, reduceSum, split, sqrt } from './ops.ts';
import { compile, type Program } from './program.ts';
import { constant, float32, float32Data, type HostTensor, input } from './tensor.ts';

/** Parameters or gradients by name. */
export type NamedArrays = ReadonlyMap<string, Float32Array>;

/** Everything an optimizer remembers, in a form that can be written out and read back. */
export interface OptimizerState {
  /** Steps taken. */
  readonly step: number;
  /** Running averages: `m.<name>`, and `v.<name>` for AdamW. */
  readonly slots: ReadonlyMap<string, Float32Array>;
}

/** Updates weights in place. */
export interface Optimizer {
  /**
   * One step over the weights that `gradients` names.
   * @throws GraphError `shape_mismatch` where a gradient and its weight differ in size
   */
  readonly step: (weights: NamedArrays, gradients: NamedArrays, learningRate: number) => Promise<void>;
  /** The state now; its arrays are the optimizer's own and change with the next step. */
  readonly state: () => OptimizerState;
  /** Continues from a stored state, of which it takes a copy. */
  readonly restore: (state: OptimizerState) => void;
  /** Frees compiled programs. */
  readonly release: () => Promise<void>;
}

function pairOf(name: string, weights: NamedArrays, gradient: Float32Array): Float32Array {
  const weight = weights.get(name);
  if (weight?.length !== gradient.length)
    throw new GraphError('shape_mismatch', 'gradient and weight differ in size', {
      where: name,
      shapes: [[gradient.length], [weight?.length ?? 0]],
    });
  return weight;
}

function slotOf(slots: Map<string, Float32Array>, key: string, length: number): Float32Array {
  let slot = slots.get(key);
  if (!slot) {
    slot = new Float32Array(length);
    slots.set(key, slot);
  }
  if (slot.length !== length)
    throw new GraphError('bad_state', `the stored state has ${slot.length} elements, the weight ${length}`, {
      where: key,
    });
  return slot;
}

function copySlots(slots: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  return new Map([...slots].map(([key, values]) => [key, values.slice()]));
}

/** Settings of {@link adamW}. */
export interface AdamWOptions {
  /** Decay of the average of gradients. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the average of squared gradients. Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Which weights decay; default all. */
  readonly decays?: (name: string) => boolean;
}

/** Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2), bias-corrected. */
export function adamW(options: AdamWOptions = {}): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, decays = () => true } = options;
  let taken = 0;
  let slots = new Map<string, Float32Array>();
  return {
    step: async (weights, gradients, learningRate) => {
      taken++;
      const stepSize = learningRate / (1 - beta1 ** taken);
      const correction = 1 / Math.sqrt(1 - beta2 ** taken);
      for (const [name, gradient] of gradients) {
        const weight = pairOf(name, weights, gradient);
        const keep = 1 - (decays(name) ? learningRate * weightDecay : 0);
        const mean = slotOf(slots, `m.${name}`, gradient.length);
        const square = slotOf(slots, `v.${name}`, gradient.length);
        for (let i = 0; i < gradient.length; i++) {
          const g = gradient[i]!;
          const m = beta1 * mean[i]! + (1 - beta1) * g;
          const v = beta2 * square[i]! + (1 - beta2) * g * g;
          mean[i] = m;
          square[i] = v;
          weight[i] = weight[i]! * keep - (stepSize * m) / (Math.sqrt(v) * correction + epsilon);
        }
      }
    },
    state: () => ({ step: taken, slots }),
    restore: (state) => {
      taken = state.step;
      slots = copySlots(state.slots);
    },
    release: async () => {},
  };
}

/** A matrix that Muon updates. */
export interface MuonMatrix {
  readonly rows: number;
  readonly columns: number;
  /** Column blocks to orthogonalise each by itself, for fused projections. Default 1. */
  readonly blocks?: number;
}

/** Settings of {@link muon}. */
export interface MuonOptions {
  /** Default 0.95. */
  readonly momentum?: number;
  /** Default true. */
  readonly nesterov?: boolean;
  /** Newton-Schulz iterations. Default 5. */
  readonly iterations?: number;
  /** Default 0. */
  readonly weightDecay?: number;
}

/** Quintic coefficients of Muon's Newton-Schulz iteration (Jordan et al. 2024): steep at 0, singular values end in about 0.7 to 1.2. */
const [quinticA, quinticB, quinticC] = [3.4445, -4.775, 2.0315] as const;

/** X ← (aI + bA + cA²)·X with A = X·Xᵀ, on the side where A is the smaller matrix. */
function orthogonalise(m: Tensor, rows: number, columns: number, iterations: number): Tensor {
  const wide = rows <= columns;
  const n = Math.min(rows, columns);
  const identity = new Float32Array(n * n);
  for (let i = 0; i < n; i++) identity[i * n + i] = quinticA;
  const shift = constant('float32', [n, n], identity, 'a_identity');
  let x = div(m, add(sqrt(reduceSum(mul(m, m))), 1e-7));
  for (let i = 0; i < iterations; i++) {
    const a = wide ? gemm(x, x, { transB: true }) : gemm(x, x, { transA: true });
    const polynomial = add(gemm(mul(a, quinticC), a, { bias: shift }), mul(a, quinticB));
    x = wide ? gemm(polynomial, x) : gemm(x, polynomial);
  }
  return x;
}

async function compileOrthogonaliser(matrices: ReadonlyMap<string, MuonMatrix>, iterations: number): Promise<Program> {
  const outputs: Record<string, Tensor> = {};
  for (const [name, { rows, columns, blocks = 1 }] of matrices) {
    const m = input(name, 'float32', [rows, columns]);
    const size = columns / blocks;
    const parts = blocks === 1 ? [m] : split(m, 1, new Array<number>(blocks).fill(size));
    outputs[`orthogonal ${name}`] = concat(
      parts.map((part) => orthogonalise(part, rows, size, iterations)),
      1,
    );
  }
  return compile(outputs);
}

/**
 * Muon: momentum, orthogonalised by Newton-Schulz, as the update of a matrix (Jordan et al. 2024). The update is scaled by
 * 0.2·√max(rows, columns), so that its root mean square is AdamW's and both take one learning rate (Liu et al. 2025).
 * The iterations of all matrices run as one program, compiled at the first step.
 * @param matrices those it will be given gradients of; others belong to another optimizer
 */
export function muon(matrices: ReadonlyMap<string, MuonMatrix>, options: MuonOptions = {}): Optimizer {
  const { momentum = 0.95, nesterov = true, iterations = 5, weightDecay = 0 } = options;
  for (const [name, { columns, blocks = 1 }] of matrices) {
    if (columns % blocks !== 0)
      throw new GraphError('bad_argument', `${columns} columns are not ${blocks} equal blocks`, { where: name });
  }
  let taken = 0;
  let slots = new Map<string, Float32Array>();
  let program: Promise<Program> | undefined;

  const direction = (name: string, gradient: Float32Array): Float32Array => {
    const mean = slotOf(slots, `m.${name}`, gradient.length);
    const out = new Float32Array(gradient.length);
    for (let i = 0; i < gradient.length; i++) {
      const g = gradient[i]!;
      const m = momentum * mean[i]! + (1 - momentum) * g;
      mean[i] = m;
      out[i] = nesterov ? momentum * m + (1 - momentum) * g : m;
    }
    return out;
  };

  return {
    step: async (weights, gradients, learningRate) => {
      for (const [name, gradient] of gradients) {
        const weight = pairOf(name, weights, gradient);
        const shape = matrices.get(name);
        if (!shape || shape.rows * shape.columns !== weight.length)
          throw new GraphError('shape_mismatch', 'is not one of the matrices this optimizer was made for', {
            where: name,
            shapes: [[weight.length], shape ? [shape.rows, shape.columns] : []],
          });
      }
      for (const name of matrices.keys())
        if (!gradients.has(name)) throw new GraphError('bad_argument', 'has no gradient in this step', { where: name });
      program ??= compileOrthogonaliser(matrices, iterations);
      taken++;
      const feeds: Record<string, HostTensor> = {};
      for (const [name, { rows, columns }] of matrices)
        feeds[name] = float32([rows, columns], direction(name, gradients.get(name)!));
      const results = await (await program).run(feeds);
      for (const [name, { rows, columns, blocks = 1 }] of matrices) {
        const weight = weights.get(name)!;
        const update = float32Data(results[`orthogonal ${name}`]!);
        const scale = learningRate * 0.2 * Math.sqrt(Math.max(rows, columns / blocks));
        const keep = 1 - learningRate * weightDecay;
        for (let i = 0; i < weight.length; i++) weight[i] = weight[i]! * keep - scale * update[i]!;
      }
    },
    state: () => ({ step: taken, slots }),
    restore: (state) => {
      taken = state.step;
      slots = copySlots(state.slots);
    },
    release: async () => {
      await (await program)?.release();
      program = undefined;
    },
  };
}

/** Euclidean norm of all gradients together, accumulated in float64. */
export function globalNorm(gradients: NamedArrays): number {
  let sum = 0;
  for (const gradient of gradients.values()) for (const g of gradient) sum += g * g;
  return Math.sqrt(sum);
}

/** Scales gradients in place so that their {@link globalNorm} is at most `limit`. @returns the norm before */
export function clipGlobalNorm(gradients: NamedArrays, limit: number): number {
  const norm = globalNorm(gradients);
  if (norm > limit) {
    const scale = limit / norm;
    for (const gradient of gradients.values()) for (let i = 0; i < gradient.length; i++) gradient[i]! *= scale;
  }
  return norm;
}
