// Aligned rows as a kind of delta and of memory.

import { wordRows } from '../word-rows.ts';
import { alignedReading } from './reading.ts';
import { type AlignedRow, rowSchema, tellRow } from './rows.ts';

export const alignedRows = wordRows<'aligned_rows', AlignedRow>({
  kind: 'aligned_rows',
  title: ['a memory of texts with an alignment', 'memories of texts with an alignment'],
  row: rowSchema,
  tellRow,
  reading: alignedReading,
});
