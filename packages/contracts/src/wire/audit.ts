// The audit log: every act of administration and of lineage, each entry sealed with the digest of the one before it.
import { z } from 'zod';
import { nameOrIdSchema, pageQuerySchema } from './resource-parts.ts';

/** What can be done. */
export const auditActs = [
  'alias.moved',
  'backup.made',
  'branch.created',
  'branch.deleted',
  'branch.moved',
  'branch.restored',
  'delivery.replayed',
  'edit.erased',
  'inbox.added',
  'inbox.kept',
  'inbox.withdrawn',
  'job.approved',
  'job.cancelled',
  'job.refused',
  'job.retried',
  'job.submitted',
  'key.created',
  'key.revoked',
  'key.rotated',
  'member.changed',
  'member.removed',
  'model.imported',
  'model.moved',
  'person.admitted',
  'policy.changed',
  'project.changed',
  'project.created',
  'schedule.changed',
  'schedule.created',
  'schedule.deleted',
  'schedule.paused',
  'schedule.resumed',
  'session.opened',
  'suite.created',
  'tag.created',
  'tag.deleted',
  'webhook.changed',
  'webhook.created',
  'webhook.deleted',
  'webhook.rotated',
  'worker.drained',
] as const;
export type AuditAct = (typeof auditActs)[number];

export const auditQuerySchema = z.strictObject({
  ...pageQuerySchema.shape,
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  act: z.enum(auditActs).optional(),
  actor: nameOrIdSchema.optional().describe('Id of an API key'),
  subject: nameOrIdSchema.optional().describe('Id of what it was done to'),
});

export const auditEntrySchema = z
  .strictObject({
    object: z.literal('audit_entry'),
    /** 1, 2, 3 ... without gaps. */
    position: z.int(),
    at: z.iso.datetime(),
    /** One of those that this build knows, or of another's. */
    act: z.string(),
    /** The id of the API key, or the person, in whose name it was done; null for the service itself, and for commands on its database. */
    actor: z.string().nullable(),
    model_id: z.string().nullable(),
    /** The id of what it was done to. */
    subject: z.string(),
    /** What else was settled by it: ids, names, numbers and digests, never texts of edits. */
    details: z.record(z.string(), z.unknown()),
    /** The hash of the entry before it; null for the first. */
    previous_hash: z.string().nullable(),
    /** The sha256 of all the other fields as canonical JSON. */
    hash: z.string(),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntry = z.output<typeof auditEntrySchema>;
