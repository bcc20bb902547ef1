// What the resources of the API have in common: names, times, pages, problems, and who may do what.
import { z } from 'zod';
import { versionPrefix } from './manifest.ts';

export const scopes = [
  'models:read',
  'edits:write',
  'versions:rollback',
  'aliases:write',
  'evals:write',
  'approve',
  'admin',
] as const;
export type Scope = (typeof scopes)[number];

export const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'lower-case letters, digits, dot, dash and underscore, 64 at most');
/** What may be made under a name of a model: branches, aliases, tags. A version id is no name. */
export const referenceNameSchema = nameSchema.refine(
  (name) => !name.startsWith(versionPrefix),
  `a name does not begin with ${versionPrefix}`,
);
export const metadataSchema = z.record(z.string().max(64), z.string().max(512));

export const pageQuerySchema = z.object({
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});
export const pageSchema = <T extends z.ZodType>(item: T) =>
  z.strictObject({ data: z.array(item), has_more: z.boolean(), next_cursor: z.string().nullable() });
export interface Page<T> {
  readonly data: readonly T[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** RFC 9457 problem details, with our fields. */
export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  request_id: z.string(),
  retryable: z.boolean(),
  errors: z.array(
    z.strictObject({
      code: z.string(),
      message: z.string(),
      pointer: z.string().optional(),
      line: z.int().optional(),
      field: z.string().optional(),
      custom_id: z.string().optional(),
    }),
  ),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type Problem = z.output<typeof problemSchema>;
