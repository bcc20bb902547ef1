// Erasing: the texts of edits are deleted wherever they are kept. That the edits were asked for, by whom and when, which versions they led to
// and what was measured of them stays, and every digest of the lineage with it.
import {
  caseResultSchema,
  type Erasure,
  ErrataError,
  editResultSchema,
  erasedCase,
  erasedEdit,
  erasedResult,
  isTerminal,
  type JobState,
  wordyDeltas,
} from '@errata/contracts';
import { noteAct } from '../audit/note.ts';
import { asJson, clientOf, type Db, type Lineage, type Tx } from '../database/client.ts';
import { readStored, readStoredOrNull } from '../database/stored.ts';
import { deltaListSchema } from '../history/contributions.ts';

/** The links through which erased edits act; `whole` where nothing else acts through them. */
interface ErasedLink {
  readonly id: string;
  readonly model_id: string;
  readonly depth: number;
  readonly deltas: unknown;
  readonly edit_ids: readonly string[];
}

/**
 * Deletes the texts of edits for good. Doing it twice is doing it once. `unknown_edit`; `edit_active` while a branch, an alias or a tag holds
 * one, or its job goes on; `inseparable_edits` where words of another edit lie in the same blob.
 */
export async function eraseEdits(
  db: Lineage,
  {
    edit_ids,
    reason,
    by,
  }: { readonly edit_ids: readonly string[]; readonly reason: string; readonly by: string | null },
): Promise<Erasure> {
  const ids = [...new Set(edit_ids)];
  return db.prisma.$transaction(async (tx) => {
    const edits = await lockEdits(tx, ids);
    const links = await linksWith(tx, ids);
    await requireInactive(tx, edits, links);
    const wordy = links.filter(({ deltas }) =>
      deltaListSchema.parse(deltas).some(({ kind }) => wordyDeltas.includes(kind)),
    );
    await requireSeparable(tx, ids, wordy);
    await tx.$executeRaw`SELECT set_config('errata.erasing', 'on', true)`;
    const now = new Date();
    for (const { id, jobId, customId, result, erasedAt } of edits) {
      const stored = readStoredOrNull(editResultSchema, result, `the result of ${id}`);
      await tx.edit.update({
        where: { id },
        data: {
          customId: id,
          payload: asJson(erasedEdit(id)),
          erasedAt: erasedAt ?? now,
          ...(stored === null ? {} : { result: asJson(erasedResult(id, stored)) }),
        },
      });
      await tx.$executeRaw`
        UPDATE inbox_edits SET custom_id = ${id}, payload = ${JSON.stringify(erasedEdit(id))}::jsonb, subject = NULL, questions = '{}', answer = '', reason = NULL
        WHERE job_id = ${jobId} AND custom_id = ${customId}`;
    }
    // What versions were asked may name it, and can be asked again.
    await tx.$executeRaw`DELETE FROM answers`;
    await blankErrors(tx, [...new Set(edits.map(({ jobId }) => jobId))]);
    const { cases, reports } = await eraseCases(tx, ids);
    for (const { id, erasedAt } of edits)
      if (erasedAt === null) await noteAct(tx, { act: 'edit.erased', subject: id, details: { reason }, by });
    for (const { model_id, depth, id } of wordy)
      await tx.$executeRaw`DELETE FROM snapshots WHERE model_id = ${model_id} AND chain_at(contribution_id, ${depth}) = ${id}`;
    const blobs = wordy.flatMap(({ deltas }) =>
      deltaListSchema.parse(deltas).flatMap(({ kind, blob }) => (wordyDeltas.includes(kind) ? [blob] : [])),
    );
    return { object: 'erasure', edit_ids: ids, cases, reports, blobs: [...new Set(blobs)] };
  });
}

async function lockEdits(tx: Tx, ids: readonly string[]) {
  await tx.$queryRaw`SELECT id FROM edits WHERE id = ANY(${[...ids]}) ORDER BY id FOR UPDATE`;
  const edits = await tx.edit.findMany({
    where: { id: { in: [...ids] } },
    include: { job: { select: { state: true } } },
  });
  for (const [index, id] of ids.entries()) {
    if (edits.some((edit) => edit.id === id)) continue;
    const message = `there is no edit ${JSON.stringify(id)}`;
    throw new ErrataError('unknown_edit', message, {
      errors: [{ code: 'unknown_edit', pointer: `/edit_ids/${index}`, message }],
    });
  }
  return edits;
}

const linksWith = (tx: Tx, ids: readonly string[]): Promise<ErasedLink[]> => tx.$queryRaw`
  SELECT id, model_id, depth, deltas, edit_ids FROM contributions
  WHERE job_id IN (SELECT job_id FROM edits WHERE id = ANY(${[...ids]})) AND edit_ids && ${[...ids]}`;

async function requireInactive(
  tx: Tx,
  edits: readonly { readonly id: string; readonly jobId: string; readonly job: { readonly state: string } }[],
  links: readonly ErasedLink[],
): Promise<void> {
  for (const { id, jobId, job } of edits)
    if (!isTerminal(job.state as JobState)) throw active(id, `its job ${jobId} is ${job.state}`);
  for (const { id, model_id, depth, edit_ids } of links) {
    const [place] = await tx.$queryRaw<{ tip: string }[]>`
      SELECT tip_id AS tip FROM live_tips WHERE model_id = ${model_id} AND chain_at(tip_id, ${depth}) = ${id} LIMIT 1`;
    if (place !== undefined)
      throw active(
        edit_ids[0]!,
        'a branch, an alias or a tag holds it: take it back, or move or delete what holds it, first',
      );
  }
}

const active = (id: string, why: string): ErrataError =>
  new ErrataError('edit_active', `edit ${id} cannot be erased yet: ${why}`, { details: { edit_id: id } });

/** Words that lie in one blob go together. */
async function requireSeparable(tx: Tx, ids: readonly string[], links: readonly ErasedLink[]): Promise<void> {
  const together = links.flatMap(({ edit_ids }) => edit_ids).filter((id) => !ids.includes(id));
  const kept = await tx.edit.findMany({ where: { id: { in: together }, erasedAt: null }, select: { id: true } });
  const others = kept.map(({ id }) => id);
  if (others.length === 0) return;
  const message = `words of ${others.join(', ')} lie in the same blob: erase them together`;
  throw new ErrataError('inseparable_edits', message, { details: { edit_ids: others } });
}

/** What jobs, their events and the messages about them say of what went wrong may quote what was asked, and a digest of it lets it be guessed. */
async function blankErrors(tx: Tx, jobs: readonly string[]): Promise<void> {
  // Nor is what they did taken over by another job.
  await tx.$executeRaw`UPDATE jobs SET result = result - 'work_digest' WHERE id = ANY(${[...jobs]}) AND result ? 'work_digest'`;
  const blank = JSON.stringify('(erased)');
  await tx.$executeRaw`
    UPDATE jobs SET error = jsonb_build_object('code', error->'code', 'message', ${blank}::jsonb, 'errors', '[]'::jsonb, 'details', '{}'::jsonb)
    WHERE id = ANY(${[...jobs]}) AND error IS NOT NULL`;
  await tx.$executeRaw`
    UPDATE events SET data = jsonb_set(data, '{error,message}', ${blank}::jsonb)
    WHERE job_id = ANY(${[...jobs]}) AND data->'error'->'message' IS NOT NULL`;
  await tx.$executeRaw`
    UPDATE webhook_deliveries SET message = jsonb_set(message, '{data,error,message}', ${blank}::jsonb)
    WHERE message->'data'->>'job_id' = ANY(${[...jobs]}) AND message->'data'->'error'->'message' IS NOT NULL`;
}

async function eraseCases(
  tx: Tx,
  ids: readonly string[],
): Promise<{ readonly cases: number; readonly reports: number }> {
  const cases = await tx.evaluationCase.findMany({ where: { editId: { in: [...ids] } } });
  for (const { jobId, position, editId, result } of cases) {
    const id = editId!;
    await tx.evaluationCase.update({
      where: { jobId_position: { jobId, position } },
      data: {
        customId: id,
        payload: asJson({ kind: 'edit', edit: erasedEdit(id) }),
        ...(result === null
          ? {}
          : { result: asJson(erasedCase(id, readStored(caseResultSchema, result, `case ${position} of ${jobId}`))) }),
      },
    });
  }
  const jobs = [...new Set(cases.map(({ jobId }) => jobId))];
  const { count } = await tx.evaluationReport.deleteMany({ where: { jobId: { in: jobs } } });
  return { cases: cases.length, reports: count };
}

/** Refuses a chain that an erased edit acts on: it could never be replayed. `edit_erased`. */
export async function requireNoErased(db: Db, modelId: string, tip: string | null): Promise<void> {
  if (tip === null) return;
  const [found] = await clientOf(db).$queryRaw<{ edit_id: string }[]>`
    SELECT e.id AS edit_id FROM edits e JOIN contributions c ON c.job_id = e.job_id AND e.id = ANY(c.edit_ids)
    WHERE e.erased_at IS NOT NULL AND c.model_id = ${modelId} AND chain_at(${tip}, c.depth) = c.id LIMIT 1`;
  if (found === undefined) return;
  const { edit_id } = found;
  const message = `this version holds ${edit_id}, whose text was erased: nothing can be built upon it, or serve it, again`;
  throw new ErrataError('edit_erased', message, { details: { edit_id } });
}

/** Refuses a job whose request is to be carried out again, and of which an edit was erased. `edit_erased`. */
export async function requireNotErased(db: Db, jobId: string): Promise<void> {
  const found = await clientOf(db).edit.findFirst({ where: { jobId, erasedAt: { not: null } }, select: { id: true } });
  if (found === null) return;
  const { id: edit_id } = found;
  throw new ErrataError('edit_erased', `the text of ${edit_id} was erased: its request cannot be carried out again`, {
    details: { edit_id },
  });
}

/** Links of which all words were erased. */
export const wordlessLinks = async (db: Db): Promise<ReadonlySet<string>> => {
  const rows = await clientOf(db).$queryRaw<{ id: string }[]>`
    SELECT DISTINCT c.id FROM edits e JOIN contributions c ON c.job_id = e.job_id AND e.id = ANY(c.edit_ids)
    WHERE e.erased_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM edits other WHERE other.id = ANY(c.edit_ids) AND other.erased_at IS NULL)`;
  return new Set(rows.map(({ id }) => id));
};
