// What the tests of schedules share: a model with an inbox, schedules with few words, ticks that are due, and jobs carried out.
import { type ScheduleRequest, type ScheduleResource, scheduleRequestSchema, scopes } from '@errata/contracts';
import {
  addToInbox,
  createKey,
  createSchedule,
  type InboxAddition,
  type Lineage,
  listInbox,
  releaseLease,
} from '../index.ts';
import { commitEdits, importModel, type LineageFixture, madeEdit, take, toCommitting } from '../lineage.fixture.ts';

type Edits = InboxAddition['edits'];

export interface Desk {
  readonly model: string;
  readonly branch: string;
  readonly lane: string;
  schedule(request?: Partial<ScheduleRequest>): Promise<ScheduleResource>;
  add(...edits: Edits): Promise<void>;
  /** `[custom_id, state]` in the order of arrival. */
  states(): Promise<[string, string][]>;
  /** Carries out the next job of the branch; answers with the ids of its edits. */
  work(): Promise<readonly string[]>;
}

/** A model of this name with a key that owns its schedules. */
export async function openDesk(db: Lineage, name: string): Promise<Desk> {
  const { model, branch, lane } = await importModel(db, name);
  const { key } = await createKey(db, name, scopes);
  return {
    model,
    branch,
    lane,
    schedule: (request = {}) => {
      const {
        model: _,
        branch: __,
        ...rest
      } = scheduleRequestSchema.parse({ name, model: name, when_pending: 1, ...request });
      return createSchedule(db, { ...rest, branch_id: branch, owner: key.id });
    },
    add: async (...edits) => void (await addToInbox(db, { branch_id: branch, edits, priority: 0, created_by: key.id })),
    states: async () =>
      (await listInbox(db, branch, {}, { limit: 100 })).data
        .map(({ custom_id, state }): [string, string] => [custom_id, state])
        .reverse(),
    work: async () => {
      const { lease, taken } = await take(db, lane);
      await toCommitting(db, lease, taken.id);
      await commitEdits(db, lease, taken);
      await releaseLease(db, lease);
      const rows = await db.prisma.edit.findMany({ where: { jobId: taken.id }, orderBy: { position: 'asc' } });
      return rows.map(({ customId }) => customId);
    },
  };
}

/** Makes a schedule's tick due `seconds` ago. */
export const dueSince = ({ query }: LineageFixture, id: string, seconds: number) =>
  query(`UPDATE schedules SET next_due_at = date_trunc('second', now() - $2 * interval '1 second') WHERE id = $1`, [
    id,
    seconds,
  ]);

/** An edit that gives the one question about a subject an answer. */
export const answering = (custom_id: string, subject: string, target_new: string) =>
  madeEdit(custom_id, { subject, prompt: `The capital of ${subject} is`, target_new });
