// How many of the edits that a version has hold in it still, by when they were made.
import { z } from 'zod';

export const retentionSchema = z
  .strictObject({
    object: z.literal('retention'),
    version_id: z.string(),
    /** The evaluation that asked: the last of the version whose suite is `applied`. Null where none has been done. */
    evaluation: z.strictObject({ id: z.string(), at: z.iso.datetime() }).nullable(),
    /** Active in the version and asked, and of them those whose answer is what was asked for. */
    edits: z.int(),
    held: z.int(),
    /** Those that could not be asked. */
    failed: z.int(),
    /** By position, the earliest first: `from` the first edit of the slice `to` the last, counted from 1. */
    slices: z.array(z.strictObject({ from: z.int(), to: z.int(), edits: z.int(), held: z.int() })),
  })
  .meta({ id: 'Retention' });
export type Retention = z.output<typeof retentionSchema>;
