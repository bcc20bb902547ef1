// The edits of a job: what was asked, and what came of each.
import {
  type Edit,
  type EditDetail,
  type EditRecord,
  type EditResult,
  ErrataError,
  editResultSchema,
  editSchema,
  type Page,
} from '@errata/contracts';
import { clientOf, type Db, type Tx } from '../database/client.ts';
import { numericCursor, type PageRequest, pageOf } from '../database/pages.ts';
import { readStored, readStoredOrNull } from '../database/stored.ts';
import type { Edit as EditRow } from '../generated/client.ts';
import { linksOfEdits } from '../history/contributions.ts';

/** An edit with the id it goes by in lineage. */
export interface StoredEdit {
  readonly id: string;
  readonly job_id: string;
  readonly position: number;
  readonly edit: Edit;
  readonly result: EditResult | null;
  /** When its text was erased. */
  readonly erased_at: string | null;
}

const stored = (row: EditRow): StoredEdit => ({
  id: row.id,
  job_id: row.jobId,
  position: row.position,
  edit: readStored(editSchema, row.payload, row.id),
  result: readStoredOrNull(editResultSchema, row.result, `the result of ${row.id}`),
  erased_at: row.erasedAt?.toISOString() ?? null,
});

/** All edits of a job, in input order. */
export async function editsOfJob(db: Db, jobId: string): Promise<readonly StoredEdit[]> {
  const rows = await clientOf(db).edit.findMany({ where: { jobId }, orderBy: { position: 'asc' } });
  return rows.map(stored);
}

/** Edits by id; in no particular order, unknown ids left out. */
export async function editsById(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, StoredEdit>> {
  const rows = await clientOf(db).edit.findMany({ where: { id: { in: [...ids] } } });
  return new Map(rows.map((row) => [row.id, stored(row)]));
}

/** Edits that a history of norms goes back at most: what was usual long ago says little about the model as it is. */
export const normsRemembered = 200;

/** The norms (gate metric `edit_norm`) that one editor's latest edits among these left, in no particular order. */
export async function editNorms(db: Db, editIds: readonly string[], editor: string): Promise<readonly number[]> {
  const rows = await clientOf(db).$queryRaw<{ norm: number }[]>`
    SELECT (edits.result ->> 'delta_norm')::double precision AS norm
    FROM edits JOIN jobs ON jobs.id = edits.job_id
    WHERE edits.id = ANY(${editIds.slice(-normsRemembered)}) AND jobs.input ->> 'editor' = ${editor}
      AND edits.result ->> 'delta_norm' IS NOT NULL`;
  return rows.map(({ norm }) => norm);
}

/** A page of a job's edits in input order. The cursor is the position. `unknown_job`. */
export async function listEdits(db: Db, jobId: string, page: PageRequest = {}): Promise<Page<EditRecord>> {
  const client = clientOf(db);
  if ((await client.job.count({ where: { id: jobId } })) === 0)
    throw new ErrataError('unknown_job', `there is no job ${jobId}`);
  const limit = page.limit ?? 20;
  const rows = await client.edit.findMany({
    where: { jobId, ...(page.after === undefined ? {} : { position: { gt: numericCursor(page.after) } }) },
    orderBy: { position: 'asc' },
    take: limit + 1,
  });
  return pageOf(
    rows,
    limit,
    ({ position }) => String(position),
    (row) => editRecord(stored(row)),
  );
}

export const editRecord = ({ id, job_id, position, edit, result, erased_at }: StoredEdit): EditRecord => ({
  id,
  object: 'edit',
  job_id,
  position,
  custom_id: edit.custom_id,
  prompt: edit.prompt,
  subject: edit.subject ?? null,
  target_new: edit.target_new,
  target_true: edit.target_true ?? null,
  result,
  erased_at,
});

/** An edit with the branches on whose heads it acts. `unknown_edit` when there is none of this id. */
export async function getEdit(db: Db, id: string): Promise<EditDetail> {
  const client = clientOf(db);
  const row = await client.edit.findUnique({ where: { id }, include: { job: { select: { modelId: true } } } });
  if (row === null) throw new ErrataError('unknown_edit', `there is no edit ${JSON.stringify(id)}`);
  const branches = await client.branch.findMany({
    where: { modelId: row.job.modelId ?? '', deletedAt: null },
    orderBy: { name: 'asc' },
  });
  const active_on: EditDetail['active_on'] = [];
  for (const { name, headVersionId, tipId } of branches) {
    if ((await linksOfEdits(db, tipId, [id])).length > 0) active_on.push({ branch: name, version_id: headVersionId });
  }
  return { ...editRecord(stored(row)), active_on };
}

/** Writes the results that an engine reported, matched by custom_id, in one statement whatever their number. */
export async function writeEditResults(tx: Tx, jobId: string, results: readonly EditResult[]): Promise<void> {
  if (results.length === 0) return;
  const rows = results.map((result) => ({ custom_id: result.custom_id, result }));
  const written = await tx.$executeRaw`
    UPDATE edits SET result = given.result
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS given(custom_id text, result jsonb)
    WHERE edits.job_id = ${jobId} AND edits.custom_id = given.custom_id`;
  if (written !== results.length) {
    throw new ErrataError(
      'internal',
      `${results.length} results were reported for ${jobId}, but they match ${written} edits`,
    );
  }
}
