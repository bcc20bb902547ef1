// Suites: what versions are asked, edits with their probes, single questions and items, stored once.
import { z } from 'zod';
import { type Edit, editSchema, probeSchema, textLimits } from './edits.ts';
import { evaluationLimits, jsonlTextSchema, metadataSchema, nameSchema } from './resource-parts.ts';
import { type SuiteItem, suiteItemKinds, suiteItemSchema } from './suite-items.ts';

/** A question on its own. Without a target only the change of the answer is looked at. */
export const probeCaseSchema = probeSchema.extend({ custom_id: z.string().min(1).max(textLimits.custom_id) });
export type ProbeCase = z.output<typeof probeCaseSchema>;

/** What an evaluation asks about. */
export type SuiteCase =
  /** An edit with all its probes. */
  | { readonly kind: 'edit'; readonly edit: Edit }
  | { readonly kind: 'probe'; readonly probe: ProbeCase }
  | SuiteItem
  /** The end of the model's own text, whose perplexity is watched along a stream of edits. Nobody gives it. */
  | { readonly kind: 'held_text' };

/** The same as it is stored. */
export const suiteCaseSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('edit'), edit: editSchema }),
  z.strictObject({ kind: z.literal('probe'), probe: probeCaseSchema }),
  suiteItemSchema,
  z.strictObject({ kind: z.literal('held_text') }),
]);

export const caseKinds = [
  'edit',
  'probe',
  ...suiteItemKinds,
  'held_text',
] as const satisfies readonly SuiteCase['kind'][];

export const suiteRequestSchema = z
  .strictObject({
    name: nameSchema,
    description: z.string().max(1000).optional(),
    /** Edits with their probes, single questions, and items, as in an evaluation. */
    edits: z.array(z.unknown()).max(evaluationLimits.cases).optional(),
    edits_jsonl: jsonlTextSchema.optional(),
    probes: z.array(z.unknown()).max(evaluationLimits.cases).optional(),
    probes_jsonl: jsonlTextSchema.optional(),
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'SuiteRequest' });
export type SuiteRequest = z.input<typeof suiteRequestSchema>;

export const suiteSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('suite'),
    name: z.string(),
    description: z.string().nullable(),
    /** Of its cases: equal suites have equal digests. */
    digest: z.string(),
    cases: z.int(),
    metadata: z.record(z.string(), z.string()),
    created_by: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Suite' });
export type SuiteResource = z.output<typeof suiteSchema>;

/** A case of a stored suite as it is read back. */
export const storedCaseSchema = z.strictObject({
  position: z.int(),
  custom_id: z.string(),
  kind: z.enum(caseKinds),
  prompt: z.string(),
  target: z.string().nullable(),
  /** The whole of it, as it was given. */
  given: z.record(z.string(), z.unknown()),
});
export type StoredSuiteCase = z.output<typeof storedCaseSchema>;
