// Kinds of memory whose rows are words alone, found by those of prompts: how a delta of such rows is stored, and the memory that such deltas add up to.

import { z } from 'zod';
import { type DeltaKind, type MemoryKind, malformed, parseList, parseMetadata } from './kind.ts';
import type { Reading } from './reading.ts';
import { changedRows } from './text-rows/changed-rows.ts';
import type { TextRow } from './text-rows/rows.ts';

interface WordRowsDelta<Name, Row> {
  readonly kind: Name;
  /** No two of one prompt. */
  readonly rows: readonly Row[];
}

export interface WordRowsOptions<Name extends string, Row extends TextRow> {
  readonly kind: Name;
  /** What a memory of them is called, and several. */
  readonly title: readonly [one: string, several: string];
  readonly row: z.ZodType<Row>;
  /** A row as JSON, always with its parts in one order. */
  readonly tellRow: (row: Row) => string;
  /** How they are read; there are some. */
  readonly reading: (rows: readonly Row[]) => Reading;
}

const metadataSchema = z.strictObject({ rows: z.string() });

export function wordRows<Name extends string, Row extends TextRow>({
  kind,
  title,
  row: rowSchema,
  tellRow,
  reading,
}: WordRowsOptions<Name, Row>): DeltaKind<WordRowsDelta<Name, Row>, WordRowsDelta<Name, Row>> {
  const told = (rows: readonly Row[]) => `[${rows.map(tellRow).join(',')}]`;
  const memory: MemoryKind<WordRowsDelta<Name, Row>> = {
    name: kind,
    title,
    hash: ({ rows }, update) => update(`${kind} ${told(rows)}\0`),
    rows: ({ rows }) => rows.map(tellRow),
    snapshot: {
      field: kind,
      encode: ({ rows }) => ({ entry: rows, tensors: {} }),
      decode: (entry) => ({ kind, rows: z.array(rowSchema).parse(entry) }),
    },
    answers: true,
    reading: ({ rows }) => (rows.length === 0 ? null : reading(rows)),
  };
  return {
    memory,
    encode: ({ rows }) => ({ metadata: { rows: told(rows) }, tensors: {} }),
    decode: (file, metadata) => {
      const { rows } = parseMetadata(metadataSchema, metadata, file.where);
      return { kind, rows: parseList(rowSchema, rows, file.where, 'rows') };
    },
    checkSizes: ({ rows }) => {
      if (new Set(rows.map(({ prompt }) => prompt)).size < rows.length)
        malformed(kind, 'two of its rows are of one prompt');
    },
    // Words fit every model; whether an artefact does is for whoever opens it to say.
    checkFit: () => {},
    effect: ({ rows }) => ({
      on: 'memory',
      place: 'prompt',
      change: (before) => ({ kind, rows: changedRows(before?.rows ?? [], rows) }),
    }),
  };
}
