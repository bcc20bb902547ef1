// What the resources of the API have in common: names, times, pages, problems, and who may do what.
import { z } from 'zod';
import { looksLikeId } from './ids.ts';

export const scopes = [
  'models:read',
  'edits:write',
  'versions:rollback',
  'aliases:write',
  'evals:write',
  'approve',
  'audit:read',
  'admin',
] as const;
export type Scope = (typeof scopes)[number];

const longestName = 64;

/** The name nearest to what somebody called a thing: `meta-llama-llama-2` for `meta-llama/Llama-2`. Null where nothing is left of it. */
export function nearestName(text: string): string | null {
  const near = text
    .slice(0, 200)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, longestName)
    .replace(/[^a-z0-9]+$/, '');
  return near === '' || looksLikeId(near) ? null : near;
}

function whatNamesAre(given: unknown): string {
  const near = typeof given === 'string' ? nearestName(given) : null;
  const suggestion = near === null ? '' : `; try ${JSON.stringify(near)}`;
  return `a name has lower-case letters, digits, dot, dash and underscore, ${longestName} at most, and begins with a letter or a digit${suggestion}`;
}

/** What things are named by whoever makes them: models, branches, aliases, tags, schedules, suites. */
export const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, { error: ({ input }) => whatNamesAre(input) })
  .refine((name) => !looksLikeId(name), 'this looks like an id: a name could then stand for two things');

/** A name or an id as a request gives it, or the beginning of one, before anybody knows whether there is such a thing. */
export const nameOrIdSchema = z.string().min(1).max(200);

/** A map of `most` entries at most. That no body has wider ones than the door lets in keeps the entries from being looked at in vain. */
export const mapOf = <V extends z.ZodType>(longestKey: number, value: V, most: number) =>
  z
    .record(z.string().max(longestKey), value)
    .refine((map) => Object.keys(map).length <= most, `may have ${most} entries at most`)
    .meta({ maxProperties: most });

export const metadataSchema = mapOf(64, z.string().max(512), 100);
/** As it was stored, under whatever bounds there were then. */
export const storedMetadataSchema = z.record(z.string(), z.string());
/** The name of an editor as people write it: in any case. Which ones there are the catalogue of editors says. */
export const editorNameSchema = nameOrIdSchema.toLowerCase();
/** An editor's settings; which there are, and what they may be, the editor says. */
export const configSchema = mapOf(64, z.unknown(), 100);
export type ConfigOverrides = Readonly<Record<string, unknown>>;
/** The text of a JSONL file within a JSON body: as long as the body may be. */
export const longestJsonl = 64 * 1024 * 1024;
export const jsonlTextSchema = z.string().max(longestJsonl);
/** A file of the worker's machine. */
export const pathSchema = z.string().min(1).max(4096);
/** The largest number that a row's number can be. */
export const largestInteger = 2 ** 31 - 1;

/** What a worker has and a job needs: `gpu`, `memory-64g`, `model-llama`. */
export const labelSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'a label has lower-case letters, digits, dot, dash and underscore');
export const labelsSchema = z.array(labelSchema).max(20);

/**
 * How soon work is done, beside whatever else its key has waiting: `high` goes before the rest of it, `low` waits for everybody else's work, too.
 * After half an hour of waiting each counts as the next higher. The order of a branch's jobs is not touched.
 */
export const priorities = ['low', 'normal', 'high'] as const;
export type Priority = (typeof priorities)[number];
export const prioritySchema = z.enum(priorities).default('normal');

export const evaluationLimits = { cases: 10_000, shards: 64 } as const;

export const pageQuerySchema = z.object({
  after: z.string().max(200).optional(),
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
export const problemSchema = z
  .strictObject({
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
    error: z
      .strictObject({
        message: z.string(),
        type: z.string(),
        param: z.string().nullable(),
        code: z.string(),
      })
      .describe('The same in the words of the widespread completion API, whose clients show it'),
  })
  .meta({ id: 'Problem' });
export type Problem = z.output<typeof problemSchema>;
