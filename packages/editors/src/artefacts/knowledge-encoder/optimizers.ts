// What updates the parameters of a knowledge encoder: Adam, as the authors have it, or Muon for the matrices.
import { adamW, type MuonMatrix, muon, type NamedArrays, type Optimizer, type OptimizerState } from '@errata/graph';
import { type KnowledgeSpec, sentinelTokensName } from '@errata/models';
import type { TrainingSettings } from './request.ts';

export interface Optimizers {
  /** Takes one step with all of them. */
  step(weights: NamedArrays, gradients: NamedArrays, learningRate: number): Promise<void>;
  state(): Readonly<Record<string, OptimizerState>>;
  restore(states: Readonly<Record<string, OptimizerState>>): void;
  release(): Promise<void>;
}

/** Linear maps; tables, which are looked up in, and the sentinel's tokens are none. */
const isMatrix = (name: string, dims: readonly number[]): boolean =>
  dims.length === 2 && !name.includes('embeddings') && name !== sentinelTokensName;

export function makeOptimizers(
  { parameters }: KnowledgeSpec,
  { optimizer }: Pick<TrainingSettings, 'optimizer'>,
): Optimizers {
  const matrices = new Map<string, MuonMatrix>();
  if (optimizer === 'muon')
    for (const [name, dims] of parameters)
      if (isMatrix(name, dims)) matrices.set(name, { rows: dims[0]!, columns: dims[1]! });
  const all: Readonly<Record<string, Optimizer>> = {
    adam: adamW(),
    ...(matrices.size > 0 && { muon: muon(matrices) }),
  };
  const entries = Object.entries(all);
  return {
    async step(weights, gradients, learningRate) {
      for (const [name, each] of entries) {
        const own = [...gradients].filter(([parameter]) => matrices.has(parameter) === (name === 'muon'));
        await each.step(weights, new Map(own), learningRate);
      }
    },
    state: () => Object.fromEntries(entries.map(([name, each]) => [name, each.state()])),
    restore: (states) => {
      for (const [name, each] of entries) if (states[name]) each.restore(states[name]);
    },
    release: async () => {
      for (const [, each] of entries) await each.release();
    },
  };
}
