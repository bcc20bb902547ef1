// Running programs whose unneeded inputs were pruned.
import type { HostTensor, HostTensors } from '@errata/graph';
import type { ViewProgram } from '@errata/models';

/** Runs a program with those of the feeds that it takes: which are left depends on the architecture and the layer. */
export function runPruned(program: ViewProgram, feeds: HostTensors): Promise<Readonly<Record<string, HostTensor>>> {
  return program.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => program.takes(name))));
}
