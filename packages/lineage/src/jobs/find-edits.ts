// Searching all edits that were ever asked for: by what they say, about whom, when, where and by whom.
import type { FoundEdit, JobState, Page } from '@errata/contracts';
import { clientOf, type Db } from '../database/client.ts';
import { idCursor, type PageRequest, pageOf } from '../database/pages.ts';
import { Prisma } from '../generated/client.ts';
import { editRecord, editsById } from './edits.ts';

export interface EditSearch {
  readonly model_ids?: readonly string[] | undefined;
  readonly branch_id?: string | undefined;
  /** Occurs in the prompt, the subject or the new answer, in any case. */
  readonly text?: string | undefined;
  /** Is the subject, in any case. */
  readonly subject?: string | undefined;
  /** The API key that asked for it: its id, or its name in any case, which several may have had one after another. */
  readonly created_by?: string | undefined;
  readonly since?: Date | undefined;
  readonly before?: Date | undefined;
}

/** Nothing in a text is a pattern. */
const literally = (text: string): string => `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;

const conditionsOf = ({ model_ids, branch_id, text, subject, created_by, since, before }: EditSearch): Prisma.Sql[] => [
  ...(model_ids === undefined ? [] : [Prisma.sql`jobs.model_id = ANY(${[...model_ids]})`]),
  ...(branch_id === undefined ? [] : [Prisma.sql`jobs.branch_id = ${branch_id}`]),
  ...(created_by === undefined
    ? []
    : [
        Prisma.sql`jobs.created_by IN (SELECT id FROM api_keys WHERE id = ${created_by} OR lower(name) = lower(${created_by}))`,
      ]),
  ...(since === undefined ? [] : [Prisma.sql`jobs.created_at >= ${since}`]),
  ...(before === undefined ? [] : [Prisma.sql`jobs.created_at < ${before}`]),
  ...(subject === undefined ? [] : [Prisma.sql`lower(edits.payload ->> 'subject') = lower(${subject})`]),
  ...(text === undefined
    ? []
    : [
        Prisma.sql`concat_ws(E'\n', edits.payload ->> 'prompt', edits.payload ->> 'subject', edits.payload ->> 'target_new')
          ILIKE ${literally(text)}`,
      ]),
];

/** Edits of jobs that were no trials, newest first. The cursor is an edit id. */
export async function findEdits(db: Db, search: EditSearch, page: PageRequest = {}): Promise<Page<FoundEdit>> {
  const limit = page.limit ?? 20;
  const conditions = [
    Prisma.sql`(jobs.input ->> 'trial') IS DISTINCT FROM 'true'`,
    ...(page.after === undefined ? [] : [Prisma.sql`edits.id < ${idCursor(page.after, 'edit')}`]),
    ...conditionsOf(search),
  ];
  const rows = await clientOf(db).$queryRaw<
    {
      id: string;
      branch: string | null;
      state: JobState;
      created_by: string | null;
      author: string | null;
      created_at: Date;
    }[]
  >`
    SELECT edits.id, branches.name AS branch, jobs.state, jobs.created_by, api_keys.name AS author,
      jobs.created_at
    FROM edits JOIN jobs ON jobs.id = edits.job_id LEFT JOIN branches ON branches.id = jobs.branch_id
      LEFT JOIN api_keys ON api_keys.id = jobs.created_by
    WHERE ${Prisma.join(conditions, ' AND ')}
    ORDER BY edits.id DESC LIMIT ${limit + 1}`;
  const known = await editsById(
    db,
    rows.map(({ id }) => id),
  );
  return pageOf(
    rows,
    limit,
    ({ id }) => id,
    ({ id, branch, state, created_by, author, created_at }) => ({
      ...editRecord(known.get(id)!),
      branch,
      state,
      created_by,
      author,
      created_at: created_at.toISOString(),
    }),
  );
}
