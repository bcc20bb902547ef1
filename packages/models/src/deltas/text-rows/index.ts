// Rows of text: how a delta of them is stored, and the memory that such deltas add up to.

import { z } from 'zod';
import { type DeltaKind, type MemoryKind, malformed, parseList, parseMetadata } from '../kind.ts';
import { changedRows } from './changed-rows.ts';
import { textReading } from './reading.ts';
import { rowsSchema, type TextRowsDelta, tellRow } from './rows.ts';

const metadataSchema = z.strictObject({ rows: z.string() });

const told = (rows: TextRowsDelta['rows']) => `[${rows.map(tellRow).join(',')}]`;

const memory: MemoryKind<TextRowsDelta> = {
  name: 'text_rows',
  title: ['a memory of texts', 'memories of texts'],
  hash: ({ rows }, update) => update(`text_rows ${told(rows)}\0`),
  rows: ({ rows }) => rows.map(tellRow),
  snapshot: {
    field: 'text_rows',
    encode: ({ rows }) => ({ entry: rows, tensors: {} }),
    decode: (entry) => ({ kind: 'text_rows', rows: rowsSchema.parse(entry) }),
  },
  answers: true,
  reading: ({ rows }) => (rows.length === 0 ? null : textReading(rows)),
};

export const textRows: DeltaKind<TextRowsDelta, TextRowsDelta> = {
  memory,
  encode: ({ rows }) => ({ metadata: { rows: told(rows) }, tensors: {} }),
  decode: (file, metadata) => {
    const { rows } = parseMetadata(metadataSchema, metadata, file.where);
    return { kind: 'text_rows', rows: parseList(rowsSchema.element, rows, file.where, 'rows') };
  },
  checkSizes: ({ rows }) => {
    if (new Set(rows.map(({ prompt }) => prompt)).size < rows.length)
      malformed('text_rows', 'two of its rows are of one prompt');
  },
  // Words fit every model.
  checkFit: () => {},
  effect: ({ rows }) => ({
    on: 'memory',
    place: 'prompt',
    change: (before) => changedRows(before?.rows ?? [], rows),
  }),
};
