// Scoped rows: how a delta of them is stored, and the memory that such deltas add up to.

import { z } from 'zod';
import { type DeltaKind, type MemoryKind, malformed, parseList, parseMetadata } from '../kind.ts';
import { joinedVectors, partedVectors } from '../row-vectors.ts';
import { scopedReading } from './reading.ts';
import { changedScopedRows, rowHeaderSchema, type ScopedRow, type ScopedRowsDelta, tellHeader } from './rows.ts';

const where = 'scoped_rows';

/** A row in a list: its header, and how many numbers of the tensor are its own. */
const entrySchema = rowHeaderSchema.extend({ width: z.int().min(1) });
type Entry = z.output<typeof entrySchema>;

const entryOf = (row: ScopedRow): Entry => ({ ...JSON.parse(tellHeader(row)), width: row.vector.length });

const vectorsOf = (rows: readonly ScopedRow[]) => joinedVectors(rows.map(({ vector }) => vector));

const rowsOf = (entries: readonly Entry[], vectors: Float32Array): ScopedRowsDelta => {
  const parted = partedVectors(
    where,
    entries.map(({ width }) => width),
    vectors,
  );
  return { kind: where, rows: entries.map(({ width: _, ...header }, at) => ({ ...header, vector: parted[at]! })) };
};

const memory: MemoryKind<ScopedRowsDelta> = {
  name: where,
  title: ['a memory of scoped corrections', 'memories of scoped corrections'],
  hash: ({ rows }, update) => {
    update(`${where} `);
    for (const row of rows) {
      update(`${tellHeader(row)}\0`);
      update(row.vector);
    }
  },
  // The vector follows from the encoder and the correction.
  rows: ({ rows }) => rows.map(tellHeader),
  snapshot: {
    field: where,
    encode: ({ rows }) => ({ entry: rows.map(entryOf), tensors: { vectors: vectorsOf(rows) } }),
    decode: (entry, read) => rowsOf(z.array(entrySchema).parse(entry), read('vectors').data),
  },
  answers: true,
  reading: ({ rows }) => (rows.length === 0 ? null : scopedReading(rows)),
};

export const scopedRows: DeltaKind<ScopedRowsDelta, ScopedRowsDelta> = {
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
  // Words fit every model; whether what answers does is for whoever opens it to say.
  checkFit: () => {},
  effect: ({ rows }) => ({
    on: 'memory',
    place: 'prompt',
    change: (before) => changedScopedRows(before?.rows ?? [], rows),
  }),
};
