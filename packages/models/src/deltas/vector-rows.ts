// Kinds of memory whose rows are a prompt, what is said of it, a vector that an encoder makes of the two, and perhaps numbers beside it: how
// a delta of such rows is stored, and the memory that such deltas add up to.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { DecoderSpec } from '../architectures/spec.ts';
import { type DeltaKind, type MemoryKind, malformed, parseList, parseMetadata } from './kind.ts';
import type { Reading } from './reading.ts';
import { joinedVectors, partedVectors } from './row-vectors.ts';

/** What every such row has. */
interface VectorRow {
  /** sha256 of what made the vector. */
  readonly encoder: string;
  readonly prompt: string;
  readonly vector: Float32Array;
  /** What does not follow from the rest of the row, where its kind has such. */
  readonly numbers?: Float32Array;
}

/** What is said of a row. */
export type HeaderOf<Row extends VectorRow> = Omit<Row, 'vector' | 'numbers'>;

/** How many numbers of the tensors are a row's own. */
interface Sizes {
  readonly width: number;
  readonly count?: number | undefined;
}

interface VectorRowsDelta<Name, Row> {
  readonly kind: Name;
  /** No two of one prompt. */
  readonly rows: readonly Row[];
}

export interface VectorRowsOptions<Name extends string, Row extends VectorRow> {
  readonly kind: Name;
  /** What a memory of them is called, and several. */
  readonly title: readonly [one: string, several: string];
  /** A row in a list: its header, and how many numbers of the tensors are its own. */
  readonly entry: z.ZodType<HeaderOf<Row> & Sizes>;
  /** A row's header as JSON, always with its parts in one order. */
  readonly tellHeader: (row: Row) => string;
  /** The rows that a change makes of those before it. */
  readonly changed: (before: readonly Row[], rows: readonly Row[]) => VectorRowsDelta<Name, Row>;
  /** How they are read; there are some. */
  readonly reading: (rows: readonly Row[]) => Reading;
  /** @throws ModelError delta_malformed, delta_misfit where a row does not fit itself, or the model; left out where words are all there is to it */
  readonly checkRow?: (row: Row, spec?: DecoderSpec) => void;
}

const digests = new WeakMap<Float32Array, string>();

/** sha256 (hex) of numbers that do not change. */
function digestOf(numbers: Float32Array): string {
  const known = digests.get(numbers);
  if (known !== undefined) return known;
  const { buffer, byteOffset, byteLength } = numbers;
  const digest = createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');
  digests.set(numbers, digest);
  return digest;
}

/** All that a row holds: its vector follows from the encoder and the rest. */
export const tellRow = (header: string, { numbers }: Pick<VectorRow, 'numbers'>): string =>
  numbers === undefined ? header : `${header} ${digestOf(numbers)}`;

export function vectorRows<Name extends string, Row extends VectorRow>({
  kind,
  title,
  entry: entrySchema,
  tellHeader,
  changed,
  reading,
  checkRow,
}: VectorRowsOptions<Name, Row>): DeltaKind<VectorRowsDelta<Name, Row>, VectorRowsDelta<Name, Row>> {
  type Rows = readonly Row[];
  type Entry = z.output<typeof entrySchema>;
  const entriesOf = (rows: Rows) =>
    rows.map((row) => ({
      ...JSON.parse(tellHeader(row)),
      width: row.vector.length,
      ...(row.numbers !== undefined && { count: row.numbers.length }),
    }));
  const tensorsOf = (rows: Rows) => {
    const numbers = rows.flatMap((row) => row.numbers ?? []);
    return {
      vectors: joinedVectors(rows.map(({ vector }) => vector)),
      ...(numbers.length > 0 && { numbers: joinedVectors(numbers) }),
    };
  };
  const rowsOf = (entries: readonly Entry[], read: (name: string) => Float32Array): VectorRowsDelta<Name, Row> => {
    const parted = (name: string, sizes: readonly number[]) => partedVectors(kind, sizes, read(name));
    const vectors = parted(
      'vectors',
      entries.map(({ width }) => width),
    );
    const numbered = entries.some(({ count }) => count !== undefined);
    const numbers = numbered
      ? parted(
          'numbers',
          entries.map(({ count = 0 }) => count),
        )
      : [];
    const rows = entries.map(({ width: _, count, ...header }, at) => ({
      ...header,
      vector: vectors[at]!,
      ...(count !== undefined && { numbers: numbers[at]! }),
    }));
    return { kind, rows: rows as unknown as Rows };
  };

  const memory: MemoryKind<VectorRowsDelta<Name, Row>> = {
    name: kind,
    title,
    hash: ({ rows }, update) => {
      update(`${kind} `);
      for (const row of rows) {
        update(`${tellHeader(row)}\0`);
        update(row.vector);
        if (row.numbers !== undefined) update(row.numbers);
      }
    },
    rows: ({ rows }) => rows.map((row) => tellRow(tellHeader(row), row)),
    snapshot: {
      field: kind,
      encode: ({ rows }) => ({ entry: entriesOf(rows), tensors: tensorsOf(rows) }),
      decode: (entry, read) => rowsOf(z.array(entrySchema).parse(entry), (name) => read(name).data),
    },
    answers: true,
    reading: ({ rows }) => (rows.length === 0 ? null : reading(rows)),
  };

  return {
    memory,
    encode: ({ rows }) => ({
      metadata: { rows: JSON.stringify(entriesOf(rows)) },
      tensors: tensorsOf(rows),
    }),
    decode: (file, metadata) => {
      const { rows } = parseMetadata(z.strictObject({ rows: z.string() }), metadata, file.where);
      return rowsOf(parseList(entrySchema, rows, file.where, 'rows'), file.read);
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
      for (const row of rows) checkRow?.(row);
    },
    // Words fit every model; whether an artefact does is for whoever opens it to say.
    checkFit: (spec, { rows }) => {
      for (const row of rows) checkRow?.(row, spec);
    },
    effect: ({ rows }) => ({ on: 'memory', place: 'prompt', change: (before) => changed(before?.rows ?? [], rows) }),
  };
}
