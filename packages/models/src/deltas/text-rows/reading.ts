// Rows of text as they are read.

import { textsReading } from '../prompt-texts.ts';
import type { PromptReading } from '../reading.ts';
import { indexOf } from './changed-rows.ts';
import { type TextRow, tellRow } from './rows.ts';
import { similarRows } from './similarity.ts';

/** How rows of text are read. */
export const textReading = (rows: readonly TextRow[]): PromptReading =>
  textsReading<TextRow>({
    memory: 'memory of texts',
    similar: async (text) => similarRows(indexOf(rows), text),
    name: tellRow,
  });
