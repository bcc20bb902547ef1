// Patch rows as a kind of delta and of memory.

import { z } from 'zod';
import { vectorRows } from '../vector-rows.ts';
import { checkPatch } from './patch.ts';
import { patchReading } from './reading.ts';
import { changedPatchRows, type PatchRow, patchOf, rowHeaderSchema, tellHeader } from './rows.ts';

export const patchRows = vectorRows<'patch_rows', PatchRow>({
  kind: 'patch_rows',
  title: ['a memory of patches', 'memories of patches'],
  entry: rowHeaderSchema.extend({ width: z.int().min(1), count: z.int().min(0) }),
  tellHeader,
  changed: changedPatchRows,
  reading: patchReading,
  checkRow: (row, spec) => {
    const patch = patchOf(row);
    if (spec !== undefined) checkPatch(spec, patch);
  },
});
