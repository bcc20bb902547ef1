// Snapshots: a version's whole state as one file, so that opening it need not install every delta behind it.

import { z } from 'zod';
import { ModelError } from '../errors.ts';
import { type SafetensorsFile, safetensorsChunks } from '../files/safetensors.ts';
import { type Memory, memoryKindOf, memoryKinds } from './index.ts';
import type { FloatTensor, MemoryKind } from './kind.ts';
import { memoriesOf, type VersionState } from './state.ts';

/** What a snapshot was taken of. */
export interface SnapshotOrigin {
  /** Digest of the imported model. */
  readonly model: string;
  /** The version whose state it is. */
  readonly version: string;
}

/** A snapshot that was read. */
export interface Snapshot extends SnapshotOrigin {
  readonly state: VersionState;
}

const format = 'errata-snapshot/1';
const weightPrefix = 'weight:';

const headerSchema = z.strictObject({
  format: z.literal(format),
  model: z.string().min(1),
  version: z.string().min(1),
  // Left out where there are none. Those of a time when codebooks were the only memories have their list always.
  ...Object.fromEntries(memoryKinds.map(({ snapshot }) => [snapshot.field, z.string().optional()])),
});

function malformed(where: string, what: string, cause?: unknown): never {
  throw new ModelError('delta_malformed', { where, what, hint: 'Drop the snapshot; it is made again', cause });
}

const tensorName = ({ name }: MemoryKind<Memory>, part: string) => `${name}:${part}`;

/**
 * A state as the bytes of a safetensors file, its float32 values exactly as they are. Equal states of one version give equal bytes.
 * @throws ModelError safetensors_non_finite, while the bytes are taken
 */
export function encodeSnapshot({ model, version, state }: Snapshot): Iterable<Uint8Array> {
  const tensors = new Map<string, FloatTensor>();
  for (const [name, data] of state.weights) tensors.set(weightPrefix + name, { shape: [data.length], data });
  const lists: Record<string, string> = {};
  for (const kind of memoryKinds) {
    const own = [...state.memories.values()].filter((memory) => memoryKindOf(memory) === kind);
    const encoded = own.map((memory) => kind.snapshot.encode(memory));
    for (const { tensors: parts } of encoded)
      for (const [part, tensor] of Object.entries(parts)) tensors.set(tensorName(kind, part), tensor);
    if (own.length > 0) lists[kind.snapshot.field] = JSON.stringify(encoded.map(({ entry }) => entry));
  }
  return safetensorsChunks(tensors, { metadata: { format, model, version, ...lists }, where: 'snapshot' });
}

/**
 * Reads what {@link encodeSnapshot} wrote; nothing about it is trusted. Whether the state fits a model is for `Model.restore` to say.
 * @throws ModelError delta_malformed, safetensors_*
 */
export function decodeSnapshot(file: SafetensorsFile): Snapshot {
  const { where } = file;
  const parsed = headerSchema.safeParse(Object.fromEntries(file.metadata));
  if (!parsed.success)
    return malformed(where, `metadata: ${parsed.error.issues[0]?.path.join('.')} ${parsed.error.issues[0]?.message}`);
  const { model, version } = parsed.data;
  const weights = new Map<string, Float32Array>();
  for (const name of file.tensors.keys())
    if (name.startsWith(weightPrefix)) weights.set(name.slice(weightPrefix.length), file.read(name));
  const taken = new Set<string>();
  const memories = memoryKinds.flatMap((kind) =>
    readMemories(file, kind, (part) => {
      const name = tensorName(kind, part);
      const data = file.read(name);
      taken.add(name);
      return { shape: file.tensors.get(name)!.shape, data };
    }),
  );
  if (file.tensors.size !== weights.size + taken.size)
    malformed(where, 'it holds tensors that are neither weights nor parts of a memory');
  return { model, version, state: { weights, memories: memoriesOf(memories) } };
}

function readMemories(
  { where, metadata }: SafetensorsFile,
  { snapshot }: MemoryKind<Memory>,
  read: (part: string) => FloatTensor,
): readonly Memory[] {
  try {
    const entries = z.array(z.unknown()).parse(JSON.parse(metadata.get(snapshot.field) ?? '[]'));
    return entries.map((entry) => snapshot.decode(entry, read));
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    return malformed(where, `its list of ${snapshot.field} cannot be read`, cause);
  }
}
