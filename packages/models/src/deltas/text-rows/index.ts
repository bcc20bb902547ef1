// Rows of text as a kind of delta and of memory.

import { wordRows } from '../word-rows.ts';
import { textReading } from './reading.ts';
import { rowSchema, type TextRow, tellRow } from './rows.ts';

export const textRows = wordRows<'text_rows', TextRow>({
  kind: 'text_rows',
  title: ['a memory of texts', 'memories of texts'],
  row: rowSchema,
  tellRow,
  reading: textReading,
});
