// Scoped rows as a kind of delta and of memory.

import { z } from 'zod';
import { vectorRows } from '../vector-rows.ts';
import { scopedReading } from './reading.ts';
import { changedScopedRows, rowHeaderSchema, type ScopedRow, tellHeader } from './rows.ts';

export const scopedRows = vectorRows<'scoped_rows', ScopedRow>({
  kind: 'scoped_rows',
  title: ['a memory of scoped corrections', 'memories of scoped corrections'],
  entry: rowHeaderSchema.extend({ width: z.int().min(1) }),
  tellHeader,
  changed: changedScopedRows,
  reading: scopedReading,
});
