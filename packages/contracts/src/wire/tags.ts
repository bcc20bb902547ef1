// Tags: names of versions that never move.
import { z } from 'zod';
import { nameOrIdSchema, nameSchema } from './resource-parts.ts';

export const tagRequestSchema = z
  .strictObject({
    name: nameSchema,
    /** A version id or the beginning of one, or the name of a branch, an alias or another tag. */
    version: nameOrIdSchema,
    message: z.string().min(1).max(1000).optional(),
  })
  .meta({ id: 'TagRequest' });
export type TagRequest = z.input<typeof tagRequestSchema>;

export const tagSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('tag'),
    model_id: z.string(),
    name: z.string(),
    version_id: z.string(),
    message: z.string().nullable(),
    /** Id of the API key. */
    created_by: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Tag' });
export type TagResource = z.output<typeof tagSchema>;
