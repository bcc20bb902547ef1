// The inbox of a branch: edits come in, wait, are withdrawn or kept; a schedule draws them out (run.ts).
import {
  canonicalJson,
  type Edit,
  ErrataError,
  editSchema,
  type InboxEdit,
  type InboxReceipt,
  type InboxState,
  inboxEditSchema,
  inboxLimit,
  inboxStateOfJob,
  normaliseAnswer,
  type Page,
  questionsOf,
  sha256,
} from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import { noteAct } from '../audit/note.ts';
import { type Alongside, clientOf, type Db, type Lineage, type Tx } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import { numericCursor, type PageRequest, pageOf } from '../database/pages.ts';
import { readStored, readStoredOrNull } from '../database/stored.ts';
import { Prisma } from '../generated/client.ts';
import { findBranchById } from '../names/branches.ts';

export interface InboxAddition {
  readonly branch_id: string;
  /** Validated (contracts, `checkEdits`); at least one. */
  readonly edits: readonly Edit[];
  readonly priority: number;
  /** Id of the API key. */
  readonly created_by: string | null;
  /** Called in the transaction that writes the edits: what it writes is kept with them, or neither is. */
  readonly alongside?: Alongside<InboxReceipt>;
}

/**
 * Puts edits into the inbox of a branch, all of them or none. One that waits already, word for word under the same custom_id, is a
 * repeated delivery and not added again. `unknown_branch`, `duplicate_custom_id` when another one waits under a custom_id, `inbox_full`.
 */
export async function addToInbox(db: Lineage, addition: InboxAddition): Promise<InboxReceipt> {
  await failpoint('inbox.before');
  const { branch_id, edits, alongside } = addition;
  const receipt = await db.prisma.$transaction(async (tx) => {
    await findBranchById(tx, branch_id);
    await lockInbox(tx, branch_id);
    const waiting = await waitingUnder(
      tx,
      branch_id,
      edits.map(({ custom_id }) => custom_id),
    );
    const clashes = edits.filter(({ custom_id, ...edit }) => {
      const known = waiting.get(custom_id);
      return known !== undefined && !sameEdit(known.edit, { custom_id, ...edit });
    });
    if (clashes.length > 0) throw takenIds(clashes);
    const rows = edits
      .filter(({ custom_id }) => !waiting.has(custom_id))
      .map((edit) => ({ id: newId('inbox'), ...columnsOf(edit) }));
    const { pending } = await countWaiting(tx, branch_id);
    if (pending + rows.length > inboxLimit) {
      throw new ErrataError('inbox_full', `${pending} edits wait already; ${inboxLimit} may`, {
        details: { pending, limit: inboxLimit },
      });
    }
    await tx.$executeRaw`
      INSERT INTO inbox_edits (id, branch_id, custom_id, payload, subject, questions, answer, priority, created_by)
      SELECT id, ${branch_id}, custom_id, payload, subject, questions, answer, ${addition.priority}, ${addition.created_by}
      FROM ROWS FROM (jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        AS (id text, custom_id text, payload jsonb, subject text, questions text[], answer text)) WITH ORDINALITY
      ORDER BY ordinality`;
    await failpoint('inbox.after_write');
    await noteAct(tx, {
      act: 'inbox.added',
      subject: branch_id,
      details: { edits: rows.length },
      by: addition.created_by,
    });
    const fresh = new Map(rows.map(({ id, custom_id }) => [custom_id, id]));
    const answer: InboxReceipt = {
      object: 'inbox_receipt',
      branch_id,
      accepted: rows.length,
      duplicates: edits.length - rows.length,
      pending: pending + rows.length,
      edits: edits.map(({ custom_id }) => ({
        id: fresh.get(custom_id) ?? waiting.get(custom_id)!.id,
        custom_id,
        duplicate: !fresh.has(custom_id),
      })),
    };
    await alongside?.(tx, answer);
    return answer;
  });
  await failpoint('inbox.after');
  return receipt;
}

/** Only one transaction at a time decides what waits in an inbox. Ends with it. */
export async function lockInbox(tx: Tx, branchId: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`inbox:${branchId}`}, 0))`;
}

export async function countWaiting(
  db: Db,
  branchId: string,
): Promise<{ readonly pending: number; readonly held: number }> {
  const [row] = await clientOf(db).$queryRaw<{ pending: number; held: number }[]>`
    SELECT count(*) FILTER (WHERE state = 'pending')::integer AS pending, count(*) FILTER (WHERE state = 'held')::integer AS held
    FROM inbox_edits WHERE branch_id = ${branchId} AND state IN ('pending', 'held')`;
  return row ?? { pending: 0, held: 0 };
}

const columnsOf = (edit: Edit) => ({
  custom_id: edit.custom_id,
  payload: edit,
  subject: edit.subject?.trim().replace(/\s+/g, ' ') ?? null,
  questions: questionsOf(edit).map((question) => sha256(question).slice(0, 32)),
  answer: normaliseAnswer(edit.target_new),
});

async function waitingUnder(
  tx: Tx,
  branchId: string,
  customIds: readonly string[],
): Promise<ReadonlyMap<string, { readonly id: string; readonly edit: Edit }>> {
  const rows = await tx.$queryRaw<{ id: string; custom_id: string; payload: unknown }[]>`
    SELECT id, custom_id, payload FROM inbox_edits
    WHERE branch_id = ${branchId} AND state IN ('pending', 'held') AND custom_id = ANY(${[...customIds]})`;
  return new Map(
    rows.map(({ id, custom_id, payload }) => [custom_id, { id, edit: readStored(editSchema, payload, id) }]),
  );
}

const sameEdit = (a: Edit, b: Edit): boolean => canonicalJson(a) === canonicalJson(b);

function takenIds(clashes: readonly Edit[]): ErrataError {
  const errors = clashes.slice(0, 100).map(({ custom_id }) => ({
    code: 'duplicate_custom_id' as const,
    field: 'custom_id',
    message: `another edit waits in the inbox under custom_id ${JSON.stringify(custom_id)}`,
  }));
  const more = clashes.length === 1 ? '' : `, and ${clashes.length - 1} more like it`;
  return new ErrataError('duplicate_custom_id', `${errors[0]!.message}${more}; nothing was added`, { errors });
}

interface InboxRow {
  readonly id: string;
  readonly branch_id: string;
  readonly sequence: bigint;
  readonly custom_id: string;
  readonly payload: unknown;
  readonly priority: number;
  readonly state: InboxState;
  readonly reason: unknown;
  readonly run_id: string | null;
  readonly job_id: string | null;
  readonly edit_id: string | null;
  readonly superseded_by: string | null;
  readonly created_by: string | null;
  readonly created_at: Date;
}

// A batched edit's state is its job's, read anew each time: it cannot be out of step.
const rowsWithStates = Prisma.sql`
  SELECT inbox_edits.id, branch_id, inbox_edits.sequence, inbox_edits.custom_id, inbox_edits.payload, priority, run_id,
    inbox_edits.job_id, superseded_by, inbox_edits.created_by, inbox_edits.created_at, edits.id AS edit_id,
    CASE WHEN inbox_edits.state <> 'batched' THEN inbox_edits.state
      WHEN jobs.state = 'rejected' AND jobs.error ->> 'code' IN ('approval_denied', 'approval_expired') THEN 'refused'
      WHEN by_job.state <> 'by_result' THEN by_job.state
      WHEN edits.result ->> 'outcome' IN ('applied', 'already_holds', 'refused') THEN edits.result ->> 'outcome'
      ELSE 'failed' END AS state,
    coalesce(reason, nullif(edits.result -> 'error', 'null'), jobs.error - 'errors' - 'details') AS reason
  FROM inbox_edits
  LEFT JOIN (SELECT id, state, error FROM jobs) AS jobs ON jobs.id = inbox_edits.job_id
  LEFT JOIN edits ON edits.job_id = inbox_edits.job_id AND edits.custom_id = inbox_edits.custom_id
  LEFT JOIN LATERAL (SELECT ${JSON.stringify(inboxStateOfJob)}::jsonb ->> jobs.state AS state) AS by_job ON true`;

function resource(row: InboxRow): InboxEdit {
  const { prompt, subject, target_new, metadata = {} } = readStored(editSchema, row.payload, row.id);
  return {
    id: row.id,
    object: 'inbox_edit',
    branch_id: row.branch_id,
    custom_id: row.custom_id,
    prompt,
    subject: subject ?? null,
    target_new,
    priority: row.priority,
    metadata,
    state: row.state,
    reason: readStoredOrNull(inboxEditSchema.shape.reason.unwrap(), row.reason, `the reason of ${row.id}`),
    run_id: row.run_id,
    job_id: row.job_id,
    edit_id: row.edit_id,
    superseded_by: row.superseded_by,
    created_by: row.created_by,
    created_at: row.created_at.toISOString(),
  };
}

/** A branch's inbox, newest first. The cursor is the place in the order of arrival. */
export async function listInbox(
  db: Db,
  branchId: string,
  filter: { readonly states?: readonly InboxState[] | undefined } = {},
  page: PageRequest = {},
): Promise<Page<InboxEdit>> {
  const limit = page.limit ?? 20;
  const before = page.after === undefined ? null : numericCursor(page.after, Number.MAX_SAFE_INTEGER);
  const states = filter.states === undefined ? null : [...filter.states];
  const rows = await clientOf(db).$queryRaw<InboxRow[]>`
    SELECT * FROM (${rowsWithStates} WHERE branch_id = ${branchId}) AS inbox
    WHERE (${before}::bigint IS NULL OR sequence < ${before}::bigint)
      AND (${states}::text[] IS NULL OR state = ANY(${states}::text[]))
    ORDER BY sequence DESC LIMIT ${limit + 1}`;
  return pageOf(rows, limit, ({ sequence }) => String(sequence), resource);
}

/** `unknown_inbox_edit`, also when it is in another branch's inbox. */
export async function getInboxEdit(db: Db, branchId: string, id: string): Promise<InboxEdit> {
  const [row] = await clientOf(db).$queryRaw<InboxRow[]>`
    ${rowsWithStates} WHERE branch_id = ${branchId} AND inbox_edits.id = ${id}`;
  if (row === undefined)
    throw new ErrataError('unknown_inbox_edit', `the inbox of the branch holds no edit ${JSON.stringify(id)}`);
  return resource(row);
}

/** Takes a waiting edit out. Doing it twice is doing it once; `not_pending` when it is past that. */
export async function withdrawFromInbox(db: Lineage, branchId: string, id: string): Promise<InboxEdit> {
  return db.prisma.$transaction(async (tx) => {
    const edit = await waitingEdit(tx, branchId, id, 'withdrawn');
    if (edit.state !== 'withdrawn') {
      await tx.inboxEdit.update({ where: { id }, data: { state: 'withdrawn' } });
      await noteAct(tx, { act: 'inbox.withdrawn', subject: id, details: { branch_id: branchId } });
    }
    return getInboxEdit(tx, branchId, id);
  });
}

/**
 * Decides a contradiction in favour of one edit: those that wait and answer one of its questions otherwise are superseded by it, and it
 * waits for the next run. `not_pending`, `unknown_inbox_edit`.
 */
export async function keepInInbox(db: Lineage, branchId: string, id: string): Promise<InboxEdit> {
  return db.prisma.$transaction(async (tx) => {
    await waitingEdit(tx, branchId, id);
    await tx.$executeRaw`
      UPDATE inbox_edits SET state = 'superseded', superseded_by = kept.id, reason = ${supersededBy}::jsonb
      FROM inbox_edits kept
      WHERE kept.id = ${id} AND inbox_edits.branch_id = kept.branch_id AND inbox_edits.id <> kept.id
        AND inbox_edits.state IN ('pending', 'held')
        AND inbox_edits.questions && kept.questions AND inbox_edits.answer <> kept.answer`;
    await tx.$executeRaw`UPDATE inbox_edits SET state = 'pending', reason = NULL WHERE id = ${id}`;
    await noteAct(tx, { act: 'inbox.kept', subject: id, details: { branch_id: branchId } });
    return getInboxEdit(tx, branchId, id);
  });
}

const supersededBy = JSON.stringify({
  code: 'contradictory_edits',
  message: 'a person kept the one that contradicts it',
});

/** Locks the inbox and finds an edit in it that waits, or is in the state that is wanted already. */
async function waitingEdit(tx: Tx, branchId: string, id: string, wanted?: InboxState): Promise<InboxEdit> {
  await lockInbox(tx, branchId);
  const edit = await getInboxEdit(tx, branchId, id);
  if (edit.state === 'pending' || edit.state === 'held' || edit.state === wanted) return edit;
  throw new ErrataError('not_pending', `${id} is ${edit.state} and no longer waits`, {
    details: { state: edit.state, job_id: edit.job_id },
  });
}
