// Files of corrections in any layout that is known, read into edits: what a page hands over before anything is submitted.
import { z } from 'zod';
import { editSchema, textLimits } from './edits.ts';
import { longestJsonl } from './resource-parts.ts';

export const datasetRequestSchema = z
  .strictObject({
    /** What the file is called: its ending says how it is written where the content does not. */
    name: z.string().min(1).max(200),
    content: z.string().min(1).max(longestJsonl),
    /** How the content stands in the request: as text, or any bytes in base64. */
    encoding: z.enum(['text', 'base64']).default('text'),
    /** The name of a layout; recognised when left out. */
    layout: z.string().min(1).max(100).optional(),
  })
  .meta({ id: 'DatasetRequest' });
export type DatasetRequest = z.input<typeof datasetRequestSchema>;

export const datasetReadingSchema = z
  .strictObject({
    object: z.literal('dataset_reading'),
    layout: z.string(),
    /** Records looked at; reading stops behind the largest batch. */
    records: z.int(),
    edits: z.array(editSchema).max(textLimits.batch),
    /** Whether the file holds more than one batch may. */
    has_more: z.boolean(),
    /** Records that cannot be used, of which the first are named, counted from 0. */
    rejected_count: z.int(),
    rejected: z.array(z.strictObject({ record: z.int(), field: z.string(), rule: z.string(), message: z.string() })),
    /** Fields that were mended, and probes that were left out. */
    repaired: z.int(),
    dropped: z.int(),
  })
  .meta({ id: 'DatasetReading' });
export type DatasetReading = z.output<typeof datasetReadingSchema>;
