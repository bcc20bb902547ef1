// Aliases: names of versions that move, and keep every move.
import { z } from 'zod';
import { nameOrIdSchema } from './resource-parts.ts';

export const aliasRequestSchema = z
  .strictObject({
    /** A version id or the beginning of one, or the name of a branch, a tag or another alias: where it is now, it goes no further with it. */
    version: nameOrIdSchema,
    reason: z.string().min(1).max(1000).optional(),
    /** Where the caller has seen the alias; null for an alias that is not there. `409 stale_alias` when it is elsewhere. */
    if_version_id: nameOrIdSchema.nullable().optional(),
  })
  .meta({ id: 'AliasRequest' });
export type AliasRequest = z.input<typeof aliasRequestSchema>;
export const aliasSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('alias'),
    model_id: z.string(),
    name: z.string(),
    version_id: z.string(),
    /** Number of its last move. */
    sequence: z.int(),
    created_at: z.iso.datetime(),
    moved_at: z.iso.datetime(),
  })
  .meta({ id: 'Alias' });
export type AliasResource = z.output<typeof aliasSchema>;

export const aliasMoveKinds = ['created', 'moved', 'deleted', 'restored'] as const;
/** One step of an alias's append-only history. */
export const aliasMoveSchema = z
  .strictObject({
    sequence: z.int(),
    kind: z.enum(aliasMoveKinds),
    from_version: z.string().nullable(),
    /** Null for its deletion. */
    to_version: z.string().nullable(),
    /** What the caller named. */
    target: z.string().nullable(),
    reason: z.string().nullable(),
    /** Id of the API key. */
    moved_by: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'AliasMove' });
export type AliasMoveResource = z.output<typeof aliasMoveSchema>;
