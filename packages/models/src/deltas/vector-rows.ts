// Kinds of memory whose rows are a prompt, what is said of it, and a vector that an encoder makes of the two: how a delta of such rows is
// stored, and the memory that such deltas add up to.

import { z } from 'zod';
import { type DeltaKind, type MemoryKind, malformed, parseList, parseMetadata } from './kind.ts';
import type { Reading } from './reading.ts';
import { joinedVectors, partedVectors } from './row-vectors.ts';

/** What the header of every such row has. */
interface VectorHeader {
  /** sha256 of what made the vector. */
  readonly encoder: string;
  readonly prompt: string;
}

type Held<Header> = Header & { readonly vector: Float32Array };

interface VectorRowsDelta<Name, Header> {
  readonly kind: Name;
  /** No two of one prompt. */
  readonly rows: readonly Held<Header>[];
}

export interface VectorRowsOptions<Name extends string, Header extends VectorHeader> {
  readonly kind: Name;
  /** What a memory of them is called, and several. */
  readonly title: readonly [one: string, several: string];
  /** A row in a list: its header, and how many numbers of the tensor are its own. */
  readonly entry: z.ZodType<Header & { readonly width: number }>;
  /** A row's header as JSON, always with its parts in one order. */
  readonly tellHeader: (row: Held<Header>) => string;
  /** The rows that a change makes of those before it. */
  readonly changed: (before: readonly Held<Header>[], rows: readonly Held<Header>[]) => VectorRowsDelta<Name, Header>;
  /** How they are read; there are some. */
  readonly reading: (rows: readonly Held<Header>[]) => Reading;
}

export function vectorRows<Name extends string, Header extends VectorHeader>({
  kind,
  title,
  entry: entrySchema,
  tellHeader,
  changed,
  reading,
}: VectorRowsOptions<Name, Header>): DeltaKind<VectorRowsDelta<Name, Header>, VectorRowsDelta<Name, Header>> {
  type Rows = readonly Held<Header>[];
  const entriesOf = (rows: Rows) => rows.map((row) => ({ ...JSON.parse(tellHeader(row)), width: row.vector.length }));
  const vectorsOf = (rows: Rows) => joinedVectors(rows.map(({ vector }) => vector));
  const rowsOf = (entries: readonly (Header & { readonly width: number })[], vectors: Float32Array) => {
    const widths = entries.map(({ width }) => width);
    const parted = partedVectors(kind, widths, vectors);
    const rows = entries.map(
      ({ width: _, ...header }, at) => ({ ...header, vector: parted[at]! }) as unknown as Held<Header>,
    );
    return { kind, rows };
  };

  const memory: MemoryKind<VectorRowsDelta<Name, Header>> = {
    name: kind,
    title,
    hash: ({ rows }, update) => {
      update(`${kind} `);
      for (const row of rows) {
        update(`${tellHeader(row)}\0`);
        update(row.vector);
      }
    },
    // The vector follows from the encoder and the rest.
    rows: ({ rows }) => rows.map(tellHeader),
    snapshot: {
      field: kind,
      encode: ({ rows }) => ({ entry: entriesOf(rows), tensors: { vectors: vectorsOf(rows) } }),
      decode: (entry, read) => rowsOf(z.array(entrySchema).parse(entry), read('vectors').data),
    },
    answers: true,
    reading: ({ rows }) => (rows.length === 0 ? null : reading(rows)),
  };

  return {
    memory,
    encode: ({ rows }) => ({
      metadata: { rows: JSON.stringify(entriesOf(rows)) },
      tensors: { vectors: vectorsOf(rows) },
    }),
    decode: (file, metadata) => {
      const { rows } = parseMetadata(z.strictObject({ rows: z.string() }), metadata, file.where);
      return rowsOf(parseList(entrySchema, rows, file.where, 'rows'), file.read('vectors'));
    },
    checkSizes: ({ rows }) => {
      if (new Set(rows.map(({ prompt }) => prompt)).size < rows.length)
        malformed(kind, 'two of its rows are of one prompt');
      const widths = new Map<string, number>();
      for (const { encoder, vector } of rows) {
        if (vector.length === 0 || (widths.get(encoder) ?? vector.length) !== vector.length)
          malformed(kind, 'vectors of one encoder are not of one width');
        widths.set(encoder, vector.length);
      }
    },
    // Words fit every model; whether what answers does is for whoever opens it to say.
    checkFit: () => {},
    effect: ({ rows }) => ({ on: 'memory', place: 'prompt', change: (before) => changed(before?.rows ?? [], rows) }),
  };
}
