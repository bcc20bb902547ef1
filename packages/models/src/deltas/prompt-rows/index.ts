// Rows of continuous prompts: how a delta of them is stored, and the memory that such deltas add up to.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { SafetensorsFile } from '../../files/safetensors.ts';
import { type DeltaKind, type MemoryKind, malformed, misfit, parseList, parseMetadata } from '../kind.ts';
import { joinedVectors, partedVectors } from '../row-vectors.ts';
import { promptRowsReading } from './reading.ts';
import {
  changedPromptRows,
  type PromptRow,
  type PromptRowsDelta,
  promptRowName,
  rowHeaderSchema,
  tellHeader,
} from './rows.ts';

const where = 'prompt_rows';

/** A row in a list: its header, and how many numbers of the tensors are its own. */
const entrySchema = rowHeaderSchema.extend({ sizes: z.tuple([z.int().min(0), z.int().min(0)]) });
type Entry = z.output<typeof entrySchema>;

const entryOf = ({ encoder, prompt, text, threshold, gives, representation, prompts }: PromptRow): Entry => ({
  encoder,
  prompt,
  text,
  threshold,
  gives,
  sizes: [representation.length, prompts.length],
});

/** The numbers of rows, one row after another. */
const tensorsOf = (rows: readonly PromptRow[]) => ({
  representations: joinedVectors(rows.map(({ representation }) => representation)),
  prompts: joinedVectors(rows.map(({ prompts }) => prompts)),
});

function rowsOf(entries: readonly Entry[], representations: Float32Array, prompts: Float32Array): readonly PromptRow[] {
  const parted = (part: 0 | 1, whole: Float32Array) =>
    partedVectors(
      where,
      entries.map(({ sizes }) => sizes[part]),
      whole,
    );
  const [ofRepresentation, ofPrompts] = [parted(0, representations), parted(1, prompts)];
  return entries.map(({ sizes: _, ...header }, at) => ({
    ...header,
    representation: ofRepresentation[at]!,
    prompts: ofPrompts[at]!,
  }));
}

const listed = (rows: readonly PromptRow[]): string => JSON.stringify(rows.map(entryOf));

const memory: MemoryKind<PromptRowsDelta> = {
  name: 'prompt_rows',
  title: ['a memory of continuous prompts', 'memories of continuous prompts'],
  hash: ({ rows }, update) => {
    update('prompt_rows ');
    for (const row of rows) {
      update(`${tellHeader(row)}\0`);
      update(row.representation);
      update(row.prompts);
    }
  },
  rows: ({ rows }) => rows.map((row) => `${tellHeader(row)} ${digestOf(row)}`),
  rowNames: ({ rows }) => rows.map(promptRowName),
  snapshot: {
    field: 'prompt_rows',
    encode: ({ rows }) => ({ entry: rows.map(entryOf), tensors: tensorsOf(rows) }),
    decode: (entry, read) => ({
      kind: 'prompt_rows',
      rows: rowsOf(z.array(entrySchema).parse(entry), read('representations').data, read('prompts').data),
      renewed: [],
    }),
  },
  answers: true,
  reading: ({ rows }) => (rows.length === 0 ? null : promptRowsReading(rows)),
};

function digestOf({ representation, prompts }: PromptRow): string {
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of [representation, prompts])
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex');
}

const metadataSchema = z.strictObject({ rows: z.string(), renewed: z.string().optional() });

function decode(file: SafetensorsFile, metadata: Readonly<Record<string, string>>): PromptRowsDelta {
  const told = parseMetadata(metadataSchema, metadata, file.where);
  const rows = parseList(entrySchema, told.rows, file.where, 'rows');
  const renewed = parseList(entrySchema, told.renewed ?? '[]', file.where, 'renewed rows');
  const all = rowsOf([...rows, ...renewed], file.read('representations'), file.read('prompts'));
  return { kind: 'prompt_rows', rows: all.slice(0, rows.length), renewed: all.slice(rows.length) };
}

export const promptRows: DeltaKind<PromptRowsDelta, PromptRowsDelta> = {
  memory,
  encode: ({ rows, renewed }) => ({
    metadata: { rows: listed(rows), ...(renewed.length > 0 && { renewed: listed(renewed) }) },
    tensors: tensorsOf([...rows, ...renewed]),
  }),
  decode,
  checkSizes: ({ rows, renewed }) => {
    for (const each of [rows, renewed])
      if (new Set(each.map(({ prompt }) => prompt)).size < each.length)
        malformed(where, 'two of its rows are of one prompt');
    if (
      [...rows, ...renewed].some(({ representation, prompts }) => representation.length === 0 || prompts.length === 0)
    )
      malformed(where, 'a row has no representation or no prompts');
  },
  checkFit: ({ width, context }, { rows, renewed }) => {
    for (const { prompts } of [...rows, ...renewed])
      if (prompts.length % width !== 0 || prompts.length / width >= context)
        misfit(
          where,
          `prompts of ${prompts.length} numbers are not of the model's width ${width}, or longer than it reads`,
        );
  },
  effect: (delta) => ({
    on: 'memory',
    place: 'prompt',
    change: (before) => changedPromptRows(before?.rows ?? [], delta),
  }),
};
