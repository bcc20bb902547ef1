// Snapshots: a version's whole state as one file, so that opening it need not install every delta behind it.

import { z } from 'zod';
import { ModelError } from '../errors.ts';
import { type SafetensorsFile, safetensorsChunks, type WritableTensor } from '../files/safetensors.ts';
import type { VersionState } from '../running/view.ts';
import { type CodebookDelta, codebookKeySite, replacements } from './codebooks.ts';

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

const bookSchema = z.strictObject({
  site: z.enum(Object.keys(codebookKeySite) as [keyof typeof codebookKeySite]),
  layer: z.int().min(0),
  labels: z.array(z.string()),
  /** Left out where every row replaces the last output alone. */
  replacements: z.array(z.enum(replacements)).optional(),
});
const headerSchema = z.strictObject({
  format: z.literal(format),
  model: z.string().min(1),
  version: z.string().min(1),
  codebooks: z.string(),
});

function malformed(where: string, what: string, cause?: unknown): never {
  throw new ModelError('delta_malformed', { where, what, hint: 'Drop the snapshot; it is made again', cause });
}

const bookName = (site: string, layer: number, part: string) => `codebook:${site}.${layer}.${part}`;

/**
 * A state as the bytes of a safetensors file, its float32 values exactly as they are. Equal states of one version give equal bytes.
 * @throws ModelError safetensors_non_finite, while the bytes are taken
 */
export function encodeSnapshot({ model, version, state }: Snapshot): Iterable<Uint8Array> {
  const tensors = new Map<string, WritableTensor>();
  for (const [name, data] of state.weights) tensors.set(weightPrefix + name, { shape: [data.length], data });
  for (const { site, layer, keySize, valueSize, keys, values, radii } of state.codebooks) {
    const n = radii.length;
    tensors.set(bookName(site, layer, 'keys'), { shape: [n, keySize], data: keys });
    tensors.set(bookName(site, layer, 'values'), { shape: [n, valueSize], data: values });
    tensors.set(bookName(site, layer, 'radii'), { shape: [n], data: radii });
  }
  const codebooks = JSON.stringify(
    state.codebooks.map(({ site, layer, labels, replacements: chosen }) => ({
      site,
      layer,
      labels,
      ...(chosen.every((replacement) => replacement === 'last') ? {} : { replacements: chosen }),
    })),
  );
  return safetensorsChunks(tensors, { metadata: { format, model, version, codebooks }, where: 'snapshot' });
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
  const codebooks = readBooks(parsed.data.codebooks, where).map((book) => readBook(file, book));
  const weights = new Map<string, Float32Array>();
  for (const name of file.tensors.keys())
    if (name.startsWith(weightPrefix)) weights.set(name.slice(weightPrefix.length), file.read(name));
  if (file.tensors.size !== weights.size + 3 * codebooks.length)
    malformed(where, 'it holds tensors that are neither weights nor parts of a codebook');
  return { model, version, state: { weights, codebooks } };
}

function readBooks(text: string, where: string): readonly z.output<typeof bookSchema>[] {
  try {
    return z.array(bookSchema).parse(JSON.parse(text));
  } catch (cause) {
    return malformed(where, 'its list of codebooks cannot be read', cause);
  }
}

function readBook(file: SafetensorsFile, book: z.output<typeof bookSchema>): CodebookDelta {
  const { site, layer, labels } = book;
  const width = (part: string) => file.tensors.get(bookName(site, layer, part))?.shape[1] ?? 0;
  const read = (part: string) => file.read(bookName(site, layer, part));
  return {
    kind: 'codebook',
    site,
    layer,
    keySize: width('keys'),
    valueSize: width('values'),
    keys: read('keys'),
    values: read('values'),
    radii: read('radii'),
    labels,
    replacements: book.replacements ?? labels.map(() => 'last'),
  };
}
