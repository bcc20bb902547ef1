// What a run needs to go on where it was killed: step, weights and optimizer averages, in one file replaced as a whole.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { OptimizerState } from '@errata/graph';
import { encodeSafetensors, parseSafetensors, type WritableTensor } from '@errata/models';

export interface SavedState {
  /** Steps done. */
  readonly step: number;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly optimizers: Readonly<Record<string, OptimizerState>>;
  /** Smoothed loss, for the progress line alone. */
  readonly smoothed: number;
}

interface Header {
  readonly recipe: unknown;
  readonly step: number;
  readonly smoothed: number;
  readonly optimizerSteps: Readonly<Record<string, number>>;
}

const flat = (data: Float32Array): WritableTensor => ({ shape: [data.length], data });

/** Writes the state beside the old one and renames it into place. */
export function saveState(path: string, recipe: unknown, state: SavedState): void {
  const tensors = new Map<string, WritableTensor>();
  for (const [name, data] of state.weights) tensors.set(`weights/${name}`, flat(data));
  for (const [optimizer, { slots }] of Object.entries(state.optimizers))
    for (const [name, data] of slots) tensors.set(`${optimizer}/${name}`, flat(data));
  const header: Header = {
    recipe,
    step: state.step,
    smoothed: state.smoothed,
    optimizerSteps: Object.fromEntries(Object.entries(state.optimizers).map(([name, { step }]) => [name, step])),
  };
  mkdirSync(dirname(path), { recursive: true });
  const staging = `${path}.new`;
  rmSync(staging, { force: true });
  writeFileSync(staging, encodeSafetensors(tensors, { metadata: { run: JSON.stringify(header) } }), { flush: true });
  renameSync(staging, path);
}

/** The stored state of this very recipe, or undefined where there is none: a changed recipe starts afresh. */
export function loadState(path: string, recipe: unknown): SavedState | undefined {
  if (!existsSync(path)) return undefined;
  const file = parseSafetensors(readFileSync(path), path);
  const header = JSON.parse(file.metadata.get('run') ?? '{}') as Partial<Header>;
  if (JSON.stringify(header.recipe) !== JSON.stringify(recipe)) return undefined;
  const groups = new Map<string, Map<string, Float32Array>>();
  for (const name of file.tensors.keys()) {
    const slash = name.indexOf('/');
    const group = groups.get(name.slice(0, slash)) ?? new Map<string, Float32Array>();
    group.set(name.slice(slash + 1), file.read(name));
    groups.set(name.slice(0, slash), group);
  }
  const optimizers: Record<string, OptimizerState> = {};
  for (const [name, step] of Object.entries(header.optimizerSteps ?? {}))
    optimizers[name] = { step, slots: groups.get(name) ?? new Map() };
  return {
    step: header.step!,
    weights: groups.get('weights')!,
    optimizers,
    smoothed: header.smoothed!,
  };
}
