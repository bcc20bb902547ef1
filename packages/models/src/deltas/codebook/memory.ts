// The codebook as a memory: what it adds to a version's digest, its part of a snapshot, and its rows.

import { z } from 'zod';
import type { MemoryKind } from '../kind.ts';
import { codebookReading } from './lookup.ts';
import { type CodebookDelta, codebookSiteSchema, replacements, rowAddresses } from './rows.ts';

const entrySchema = z.strictObject({
  site: codebookSiteSchema,
  layer: z.int().min(0),
  labels: z.array(z.string()),
  /** Left out where every row replaces the last output alone. */
  replacements: z.array(z.enum(replacements)).optional(),
});

export const codebookMemory: MemoryKind<CodebookDelta> = {
  name: 'codebook',
  title: ['a codebook', 'codebooks'],
  hash: ({ site, layer, keys, values, radii, labels, replacements: chosen }, update) => {
    update(`${site} ${layer} ${JSON.stringify(labels)}\0`);
    if (chosen.some((replacement) => replacement !== 'last')) update(`${chosen.join(' ')}\0`);
    for (const data of [keys, values, radii]) update(data);
  },
  rows: (book) => rowAddresses(book).map((address, row) => `${address} ${book.radii[row]}`),
  rowNames: rowAddresses,
  snapshot: {
    field: 'codebooks',
    encode: ({ site, layer, keySize, valueSize, keys, values, radii, labels, replacements: chosen }) => {
      const n = radii.length;
      const told = chosen.every((replacement) => replacement === 'last') ? {} : { replacements: chosen };
      return {
        entry: { site, layer, labels, ...told },
        tensors: {
          [`${site}.${layer}.keys`]: { shape: [n, keySize], data: keys },
          [`${site}.${layer}.values`]: { shape: [n, valueSize], data: values },
          [`${site}.${layer}.radii`]: { shape: [n], data: radii },
        },
      };
    },
    decode: (entry, read) => {
      const { site, layer, labels, replacements: chosen } = entrySchema.parse(entry);
      const part = (name: string) => read(`${site}.${layer}.${name}`);
      const [keys, values, radii] = [part('keys'), part('values'), part('radii')];
      return {
        kind: 'codebook',
        site,
        layer,
        keySize: keys.shape[1] ?? 0,
        valueSize: values.shape[1] ?? 0,
        keys: keys.data,
        values: values.data,
        radii: radii.data,
        labels,
        replacements: chosen ?? labels.map(() => 'last'),
      };
    },
  },
  answers: true,
  reading: codebookReading,
};
