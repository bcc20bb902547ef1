// The history of a branch: its moves, the edits that are active at its head, and whether all of it holds together.
import { type EditRecord, ErrataError, type MoveResource, type Page, versionId } from '@errata/contracts';
import { clientOf, type Db } from './client.ts';
import { manifestOf, readChain, switchedEdits } from './contributions.ts';
import { editRecord, editsById } from './edits.ts';
import { numericCursor, type PageRequest, pageOf } from './pages.ts';

/**
 * A branch's moves, newest first, each with the edits it switched on or off and whether they are active at the head now. The cursor
 * is a move's sequence number.
 */
export async function branchLog(db: Db, branchId: string, page: PageRequest = {}): Promise<Page<MoveResource>> {
  const client = clientOf(db);
  const limit = page.limit ?? 20;
  const branch = await client.branch.findUniqueOrThrow({ where: { id: branchId } });
  // One more tells whether there is another page, and what the last move shown started from.
  const rows = await client.branchMove.findMany({
    where: { branchId, ...(page.after === undefined ? {} : { sequence: { lt: numericCursor(page.after) } }) },
    orderBy: { sequence: 'desc' },
    take: limit + 1,
  });
  const active = new Set((await readChain(db, branch.tipId)).flatMap(({ edit_ids }) => edit_ids));
  const switched = new Map<number, readonly string[]>();
  for (const [index, row] of rows.slice(0, limit).entries()) {
    const before = rows[index + 1];
    if (before === undefined) continue; // the branch's creation switched nothing
    const { on, off } = await switchedEdits(db, before.tipId, row.tipId);
    switched.set(row.sequence, [...on, ...off]);
  }
  const edits = await editsById(db, [...switched.values()].flat());
  return pageOf(
    rows,
    limit,
    ({ sequence }) => String(sequence),
    (row): MoveResource => ({
      sequence: row.sequence,
      kind: row.kind as MoveResource['kind'],
      from_version: row.fromVersionId,
      to_version: row.toVersionId,
      job_id: row.jobId,
      edits: (switched.get(row.sequence) ?? []).map((id) => {
        const { edit } = edits.get(id)!;
        return {
          id,
          custom_id: edit.custom_id,
          prompt: edit.prompt,
          target_new: edit.target_new,
          active: active.has(id),
        };
      }),
      reason: row.reason,
      created_at: row.createdAt.toISOString(),
    }),
  );
}

/** The edits that are active at the head of a branch, in the order in which they act. */
export async function activeEdits(db: Db, branchId: string): Promise<readonly EditRecord[]> {
  const branch = await clientOf(db).branch.findUniqueOrThrow({ where: { id: branchId } });
  const ids = [...new Set((await readChain(db, branch.tipId)).flatMap(({ edit_ids }) => edit_ids))];
  const edits = await editsById(db, ids);
  return ids.map((id) => editRecord(edits.get(id)!));
}

/**
 * Checks a branch from its first move to its head: numbered without gaps, each move starting where the one before ended, every
 * version's id the digest of what is stored for it, the head where the last move went. Throws `internal` naming what is broken.
 */
export async function checkBranch(db: Db, branchId: string): Promise<{ readonly moves: number }> {
  const client = clientOf(db);
  const branch = await client.branch.findUniqueOrThrow({ where: { id: branchId }, include: { model: true } });
  const moves = await client.branchMove.findMany({
    where: { branchId },
    orderBy: { sequence: 'asc' },
    include: { to: true },
  });
  const broken = (what: string) => new ErrataError('internal', `branch ${branchId} is broken: ${what}`);
  let from: string | null = null;
  for (const [index, move] of moves.entries()) {
    if (move.sequence !== index + 1) throw broken(`move ${index + 1} is missing`);
    if (move.fromVersionId !== from)
      throw broken(`move ${move.sequence} starts at ${move.fromVersionId}, not at ${from}`);
    for (const tip of new Set([move.tipId, move.to.tipId])) {
      const id = versionId(manifestOf(branch.model.digest, await readChain(db, tip)));
      if (id !== move.toVersionId)
        throw broken(`move ${move.sequence} leads to ${move.toVersionId}, but its deltas are ${id}`);
    }
    from = move.toVersionId;
  }
  const last = moves.at(-1);
  if (last === undefined) throw broken('it has no moves');
  if (branch.headVersionId !== last.toVersionId || branch.tipId !== last.tipId)
    throw broken('its head is not where its last move went');
  return { moves: moves.length };
}
