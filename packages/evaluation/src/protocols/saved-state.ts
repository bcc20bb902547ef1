// A version's state on disk: whole parameters as one safetensors file, memories as deltas beside it.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  decodeDelta,
  encodeDelta,
  encodeSafetensors,
  type Memory,
  ModelError,
  memoriesOf,
  memoryOf,
  parseSafetensors,
  type VersionState,
} from '@errata/models';

const weightsFile = 'weights.safetensors';

/** Writes a state into a new folder. @throws ModelError safetensors_non_finite */
export async function writeState(folder: string, { weights, memories }: VersionState): Promise<void> {
  await mkdir(folder, { recursive: true });
  const tensors = new Map([...weights].map(([name, data]) => [name, { shape: [data.length], data }]));
  await writeFile(join(folder, weightsFile), encodeSafetensors(tensors, { where: folder }), { flush: true });
  for (const [index, memory] of [...memories.values()].entries())
    await writeFile(join(folder, `memory-${index}`), encodeDelta(memory), { flush: true });
}

/** Reads what {@link writeState} wrote. @throws ModelError safetensors_*, delta_malformed */
export async function readState(folder: string): Promise<VersionState> {
  const file = parseSafetensors(await readFile(join(folder, weightsFile)), folder);
  const weights = new Map([...file.tensors.keys()].map((name) => [name, file.read(name)]));
  const names = (await readdir(folder)).filter((name) => name !== weightsFile);
  const memories = names.map(async (name) => asMemory(await readFile(join(folder, name)), folder));
  return { weights, memories: memoriesOf(await Promise.all(memories)) };
}

function asMemory(bytes: Uint8Array, where: string): Memory {
  const memory = memoryOf(decodeDelta(bytes, where));
  if (memory !== null) return memory;
  throw new ModelError('delta_malformed', { where, what: 'it is not a memory', hint: 'Start the run anew' });
}
