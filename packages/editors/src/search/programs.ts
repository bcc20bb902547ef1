// Running programs whose unneeded inputs were pruned.
import type { HostTensor, HostTensors } from '@errata/graph';
import type { ViewProgram } from '@errata/models';

/** Runs a program with those of the feeds that it takes: which are left depends on the architecture and the layer. */
export function runPruned(program: ViewProgram, feeds: HostTensors): Promise<Readonly<Record<string, HostTensor>>> {
  return program.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => program.takes(name))));
}

/** A row so many times, as a feed of equal copies wants it. */
export function repeated(one: Float32Array, times: number): Float32Array {
  const all = new Float32Array(one.length * times);
  for (let i = 0; i < times; i++) all.set(one, i * one.length);
  return all;
}
