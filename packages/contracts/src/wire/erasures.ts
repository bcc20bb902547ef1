// Erasures: the texts of edits deleted for good, while what they did stays told.
import { z } from 'zod';
import { nameOrIdSchema } from './resource-parts.ts';

export const erasureRequestSchema = z
  .strictObject({
    edit_ids: z.array(nameOrIdSchema).min(1).max(1000),
    /** Kept, and shown: it says nothing of the texts. */
    reason: z.string().trim().min(1).max(1000),
  })
  .meta({ id: 'ErasureRequest' });
export type ErasureRequest = z.input<typeof erasureRequestSchema>;

export const erasureSchema = z
  .strictObject({
    object: z.literal('erasure'),
    /** Edits whose texts are gone now, those that were gone before among them. */
    edit_ids: z.array(z.string()),
    /** Cases of evaluations, and pages of reports, that quoted them. */
    cases: z.int(),
    reports: z.int(),
    /** Blobs that hold their words: nothing names them any more, and the next collections delete them. */
    blobs: z.array(z.string()),
  })
  .meta({ id: 'Erasure' });
export type Erasure = z.output<typeof erasureSchema>;
