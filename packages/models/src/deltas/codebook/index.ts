// Codebook deltas: a whole book, as edits once stored it, or the rows that an edit changes of the book before it.

import { z } from 'zod';
import type { DecoderSpec } from '../../architectures/spec.ts';
import type { SafetensorsFile } from '../../files/safetensors.ts';
import { type DeltaKind, malformed, misfit, parseList, parseMetadata, shapeOf } from '../kind.ts';
import { codebookMemory } from './memory.ts';
import {
  type CodebookDelta,
  type CodebookRows,
  type CodebookRowsDelta,
  changedCodebook,
  codebookSiteSchema,
  emptyCodebook,
  placeName,
  replacements,
} from './rows.ts';

const rowsSchema = z.strictObject({
  site: codebookSiteSchema,
  layer: z.string().regex(/^\d+$/),
  labels: z.string(),
  /** Left out where every row replaces the last output alone, as all did before there was a choice. */
  replacements: z.string().optional(),
});
const changeSchema = rowsSchema.extend({ replaces: z.string(), resized: z.string() });

const address = z.string().regex(/^[0-9a-f]{64}$/);

function encodeRows(rows: CodebookRows) {
  const { site, layer, labels, replacements: chosen, keySize, valueSize, keys, values, radii } = rows;
  const told = chosen.every((replacement) => replacement === 'last') ? {} : { replacements: JSON.stringify(chosen) };
  const n = radii.length;
  return {
    metadata: { site, layer: `${layer}`, labels: JSON.stringify(labels), ...told },
    tensors: {
      keys: { shape: [n, keySize], data: keys },
      values: { shape: [n, valueSize], data: values },
      radii: { shape: [n], data: radii },
    },
  };
}

function decodeRows(file: SafetensorsFile, header: z.output<typeof rowsSchema>): CodebookRows {
  const labels = parseList(z.string(), header.labels, file.where, 'labels');
  return {
    site: header.site,
    layer: Number(header.layer),
    keySize: shapeOf(file, 'keys', 2)[1]!,
    valueSize: shapeOf(file, 'values', 2)[1]!,
    keys: file.read('keys'),
    values: file.read('values'),
    radii: file.read('radii'),
    labels,
    replacements:
      header.replacements === undefined
        ? labels.map(() => 'last' as const)
        : parseList(z.enum(replacements), header.replacements, file.where, 'replacements'),
  };
}

function checkRowSizes(rows: CodebookRows): void {
  const { keySize, valueSize, keys, values, radii, labels, replacements: chosen } = rows;
  const n = radii.length;
  if (keys.length !== n * keySize || values.length !== n * valueSize || labels.length !== n || chosen.length !== n)
    malformed(placeName(rows), 'keys, values, radii and labels do not have the same number of entries');
}

function checkRowsFit(spec: DecoderSpec, rows: CodebookRows): void {
  const where = placeName(rows);
  const keySize = rows.site === 'mlp_pre' ? spec.width : spec.mlpWidth;
  const valueSize = rows.site === 'mlp_pre' ? spec.mlpWidth : spec.width;
  if (!(rows.layer >= 0 && rows.layer < spec.layers)) misfit(where, `the model has ${spec.layers} layers`);
  if (rows.keySize !== keySize || rows.valueSize !== valueSize)
    misfit(where, `keys and values have sizes ${rows.keySize} and ${rows.valueSize}, not ${keySize} and ${valueSize}`);
}

export const codebook: DeltaKind<CodebookDelta, CodebookDelta> = {
  memory: codebookMemory,
  encode: encodeRows,
  decode: (file, metadata) => ({
    kind: 'codebook',
    ...decodeRows(file, parseMetadata(rowsSchema, metadata, file.where)),
  }),
  checkSizes: checkRowSizes,
  checkFit: checkRowsFit,
  effect: (delta) => ({ on: 'memory', place: placeName(delta), change: () => delta }),
};

export const codebookRows: DeltaKind<CodebookRowsDelta, CodebookDelta> = {
  memory: codebookMemory,
  encode: (delta) => {
    const { metadata, tensors } = encodeRows(delta);
    const { replaces, resized, resizedRadii } = delta;
    return {
      metadata: { ...metadata, replaces: JSON.stringify(replaces), resized: JSON.stringify(resized) },
      tensors: { ...tensors, resized_radii: { shape: [resized.length], data: resizedRadii } },
    };
  },
  decode: (file, metadata) => {
    const header = parseMetadata(changeSchema, metadata, file.where);
    return {
      kind: 'codebook_rows',
      ...decodeRows(file, header),
      replaces: parseList(address.nullable(), header.replaces, file.where, 'replaced rows'),
      resized: parseList(address, header.resized, file.where, 'resized rows'),
      resizedRadii: file.read('resized_radii'),
    };
  },
  checkSizes: (delta) => {
    checkRowSizes(delta);
    if (delta.replaces.length !== delta.radii.length || delta.resized.length !== delta.resizedRadii.length)
      malformed(placeName(delta), 'rows and what they replace, or resized rows and their radii, are not as many');
  },
  checkFit: checkRowsFit,
  effect: (delta) => ({
    on: 'memory',
    place: placeName(delta),
    change: (before = emptyCodebook(delta, delta.keySize, delta.valueSize)) => changedCodebook(before, delta),
  }),
};
