// What updates the parameters of what reads texts: Adam, as authors have it, or Muon for the matrices.
import { adamW, type MuonMatrix, muon, type Optimizer } from '@errata/graph';
import { sentinelTokensName, type TextSpec } from '@errata/models';
import { type Optimizers, type Schedule, scheduled } from './train.ts';

/** Linear maps; tables, which are looked up in, and the sentinel's tokens are none. */
const isMatrix = (name: string, dims: readonly number[]): boolean =>
  dims.length === 2 && !/embeddings|wpe/.test(name) && name !== sentinelTokensName;

export function makeOptimizers(
  { parameters }: Pick<TextSpec, 'parameters'>,
  settings: Schedule & { readonly optimizer: 'adam' | 'muon'; readonly learning_rate: number },
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

/** Parts of one training, each with optimizers of its own. @param partOf which part a parameter is of */
export function makeParts(
  parts: Readonly<Record<string, Optimizers>>,
  partOf: (parameter: string) => string,
): Optimizers {
  const entries = Object.entries(parts);
  const within = (part: string, name: string) => `${part} ${name}`;
  return {
    async step(weights, gradients, step) {
      for (const [part, each] of entries)
        await each.step(weights, new Map([...gradients].filter(([name]) => partOf(name) === part)), step);
    },
    state: () =>
      Object.fromEntries(
        entries.flatMap(([part, each]) =>
          Object.entries(each.state()).map(([name, state]) => [within(part, name), state] as const),
        ),
      ),
    restore: (states) => {
      for (const [part, each] of entries)
        each.restore(
          Object.fromEntries(
            Object.entries(states).flatMap(([name, state]) =>
              name.startsWith(within(part, '')) ? [[name.slice(part.length + 1), state] as const] : [],
            ),
          ),
        );
    },
    release: async () => {
      for (const [, each] of entries) await each.release();
    },
  };
}
