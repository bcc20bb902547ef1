// What updates the parameters of a knowledge encoder: Adam, as the authors have it, or Muon for the matrices.
import { adamW, type MuonMatrix, muon, type Optimizer } from '@errata/graph';
import { type KnowledgeSpec, sentinelTokensName } from '@errata/models';
import { type Optimizers, scheduled } from '../../training/train.ts';
import type { TrainingSettings } from './request.ts';

/** Linear maps; tables, which are looked up in, and the sentinel's tokens are none. */
const isMatrix = (name: string, dims: readonly number[]): boolean =>
  dims.length === 2 && !name.includes('embeddings') && name !== sentinelTokensName;

export function makeOptimizers(
  { parameters }: KnowledgeSpec,
  settings: Pick<TrainingSettings, 'optimizer' | 'learning_rate' | 'warmup_steps' | 'decay' | 'steps'>,
): Optimizers {
  const matrices = new Map<string, MuonMatrix>();
  if (settings.optimizer === 'muon')
    for (const [name, dims] of parameters)
      if (isMatrix(name, dims)) matrices.set(name, { rows: dims[0]!, columns: dims[1]! });
  const all: Readonly<Record<string, Optimizer>> = {
    adam: adamW(),
    ...(matrices.size > 0 && { muon: muon(matrices) }),
  };
  const entries = Object.entries(all);
  return {
    async step(weights, gradients, step) {
      const learningRate = settings.learning_rate * scheduled(settings, step);
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
