// Embedded rows as a kind of delta and of memory.

import { z } from 'zod';
import { vectorRows } from '../vector-rows.ts';
import { changedEmbeddedRows } from './changed-rows.ts';
import { embeddedReading } from './reading.ts';
import { type EmbeddedRow, rowHeaderSchema, tellHeader } from './rows.ts';

export const embeddedRows = vectorRows<'embedded_rows', EmbeddedRow>({
  kind: 'embedded_rows',
  title: ['a memory of embedded texts', 'memories of embedded texts'],
  entry: rowHeaderSchema.extend({ width: z.int().min(1) }),
  tellHeader,
  changed: changedEmbeddedRows,
  reading: embeddedReading,
});
