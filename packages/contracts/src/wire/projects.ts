// Projects: who shares models, and how much of the service they may use together.
import { z } from 'zod';
import { largestInteger, nameSchema } from './resource-parts.ts';

/** The project of every model that was given no other. */
export const defaultProject = { id: 'project_00000000000000000000000000', name: 'default' } as const;

const bound = z.int().min(0).max(largestInteger).nullable();
const bounds = {
  /** Jobs that have not ended; a job with its shards counts once. */
  open_jobs: bound,
  /** Edits asked for within a day, whatever became of them. */
  edits_per_day: bound,
  /** MiB of models, deltas, artefacts and snapshots, each counted wherever it is named. */
  storage_mib: bound,
  /** Tokens that completions generate within a day, by the hour. */
  tokens_per_day: bound,
};

/** What is bounded of a project; null for no bound. A day is the 24 hours before. */
export const quotasSchema = z.strictObject(bounds).meta({ id: 'Quotas' });
export type Quotas = z.output<typeof quotasSchema>;
export type Quota = keyof Quotas;
export const quotas = Object.keys(bounds) as readonly Quota[];

/** As they are stored: what has no bound is left out. */
export const storedQuotasSchema = z.strictObject({
  open_jobs: bounds.open_jobs.default(null),
  edits_per_day: bounds.edits_per_day.default(null),
  storage_mib: bounds.storage_mib.default(null),
  tokens_per_day: bounds.tokens_per_day.default(null),
});

/** What is given of them. */
const someQuotasSchema = z.strictObject(bounds).partial().meta({ id: 'SomeQuotas' });
export type SomeQuotas = z.output<typeof someQuotasSchema>;

export const projectRequestSchema = z
  .strictObject({ name: nameSchema, quotas: someQuotasSchema.optional() })
  .meta({ id: 'ProjectRequest' });
export type ProjectRequest = z.input<typeof projectRequestSchema>;

/** Only what is given changes. */
export const projectChangeSchema = z
  .strictObject({ name: nameSchema, quotas: someQuotasSchema })
  .partial()
  .meta({ id: 'ProjectChange' });
export type ProjectChange = z.input<typeof projectChangeSchema>;

export const projectSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('project'),
    name: z.string(),
    /** How many models it owns. */
    models: z.int(),
    quotas: quotasSchema,
    /** What is used of each now, bounded or not. */
    usage: z.strictObject({
      open_jobs: z.int(),
      edits_per_day: z.int(),
      storage_mib: z.int(),
      tokens_per_day: z.int(),
    }),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Project' });
export type ProjectResource = z.output<typeof projectSchema>;
