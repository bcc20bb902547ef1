// Running programs whose unneeded inputs were pruned.
import type { HostTensor, HostTensors, Program } from '@errata/graph';

/** Runs a program with those of the feeds that it has inputs for: which are left depends on the architecture and the layer. */
export function runPruned<Outputs extends string>(
  program: Program<Outputs>,
  feeds: HostTensors,
): Promise<Readonly<Record<Outputs, HostTensor>>> {
  return program.run(
    Object.fromEntries(program.inputs.flatMap(({ name }) => (name in feeds ? [[name, feeds[name]!]] : []))),
  );
}
