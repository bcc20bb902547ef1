// Embedded rows: how a delta of them is stored, and the memory that such deltas add up to.

import { z } from 'zod';
import { type DeltaKind, type MemoryKind, malformed, parseList, parseMetadata } from '../kind.ts';
import { joinedVectors, partedVectors } from '../row-vectors.ts';
import { changedEmbeddedRows } from './changed-rows.ts';
import { embeddedReading } from './reading.ts';
import { type EmbeddedRow, type EmbeddedRowsDelta, rowHeaderSchema, tellHeader } from './rows.ts';

const where = 'embedded_rows';

/** A row in a list: its header, and how many numbers of the tensor are its own. */
const entrySchema = rowHeaderSchema.extend({ width: z.int().min(1) });
type Entry = z.output<typeof entrySchema>;

const entryOf = ({ vector, ...header }: EmbeddedRow): Entry => ({
  ...(JSON.parse(tellHeader({ vector, ...header })) as Omit<Entry, 'width'>),
  width: vector.length,
});

const vectorsOf = (rows: readonly EmbeddedRow[]) => joinedVectors(rows.map(({ vector }) => vector));

function rowsOf(entries: readonly Entry[], vectors: Float32Array): EmbeddedRowsDelta {
  const widths = entries.map(({ width }) => width);
  const parted = partedVectors(where, widths, vectors);
  const rows = entries.map(({ width: _, ...header }, at): EmbeddedRow => ({ ...header, vector: parted[at]! }));
  return { kind: 'embedded_rows', rows };
}

const memory: MemoryKind<EmbeddedRowsDelta> = {
  name: 'embedded_rows',
  title: ['a memory of embedded texts', 'memories of embedded texts'],
  hash: ({ rows }, update) => {
    update('embedded_rows ');
    for (const row of rows) {
      update(`${tellHeader(row)}\0`);
      update(row.vector);
    }
  },
  // The vector follows from the encoder and the prompt.
  rows: ({ rows }) => rows.map(tellHeader),
  snapshot: {
    field: 'embedded_rows',
    encode: ({ rows }) => ({ entry: rows.map(entryOf), tensors: { vectors: vectorsOf(rows) } }),
    decode: (entry, read) => rowsOf(z.array(entrySchema).parse(entry), read('vectors').data),
  },
  answers: true,
  reading: ({ rows }) => (rows.length === 0 ? null : embeddedReading(rows)),
};

export const embeddedRows: DeltaKind<EmbeddedRowsDelta, EmbeddedRowsDelta> = {
  memory,
  encode: ({ rows }) => ({
    metadata: { rows: JSON.stringify(rows.map(entryOf)) },
    tensors: { vectors: vectorsOf(rows) },
  }),
  decode: (file, metadata) => {
    const { rows } = parseMetadata(z.strictObject({ rows: z.string() }), metadata, file.where);
    return rowsOf(parseList(entrySchema, rows, file.where, 'rows'), file.read('vectors'));
  },
  checkSizes: ({ rows }) => {
    if (new Set(rows.map(({ prompt }) => prompt)).size < rows.length)
      malformed(where, 'two of its rows are of one prompt');
    const widths = new Map<string, number>();
    for (const { encoder, vector } of rows) {
      if (vector.length === 0 || (widths.get(encoder) ?? vector.length) !== vector.length)
        malformed(where, 'vectors of one encoder are not of one width');
      widths.set(encoder, vector.length);
    }
  },
  // Words fit every model.
  checkFit: () => {},
  effect: ({ rows }) => ({
    on: 'memory',
    place: 'prompt',
    change: (before) => changedEmbeddedRows(before?.rows ?? [], rows),
  }),
};
