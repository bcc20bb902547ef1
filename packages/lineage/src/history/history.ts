// The history of a branch: its moves, the edits that are active at its head, and whether all of it holds together.
import {
  type EditRecord,
  ErrataError,
  type MoveResource,
  nextVersionId,
  type Page,
  rootVersionId,
} from '@errata/contracts';
import { clientOf, type Db } from '../database/client.ts';
import { numericCursor, type PageRequest, pageOf } from '../database/pages.ts';
import { editRecord, editsById } from '../jobs/edits.ts';
import { deltaListSchema, linksOfEdits, readChain, switchedBySteps } from './contributions.ts';

/** Edits of one move that its log entry names; it counts them all. */
const editsNamed = 20;

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
  // The branch's creation, which has nothing before it, switched nothing.
  const steps = rows.slice(0, limit).flatMap((row, index) => {
    const before = rows[index + 1];
    return before === undefined ? [] : [{ sequence: row.sequence, before: before.tipId, after: row.tipId }];
  });
  const sides = await switchedBySteps(db, steps);
  const switched = new Map(steps.map(({ sequence }, index) => [sequence, Object.values(sides[index]!).flat()]));
  const named = [...switched.values()].flatMap((ids) => ids.slice(0, editsNamed));
  const edits = await editsById(db, named);
  const active = new Set((await linksOfEdits(db, branch.tipId, named)).flatMap(({ edit_ids }) => edit_ids));
  return pageOf(
    rows,
    limit,
    ({ sequence }) => String(sequence),
    (row): MoveResource => {
      const ids = switched.get(row.sequence) ?? [];
      return {
        sequence: row.sequence,
        kind: row.kind as MoveResource['kind'],
        from_version: row.fromVersionId,
        to_version: row.toVersionId,
        job_id: row.jobId,
        edit_count: ids.length,
        edits: ids.slice(0, editsNamed).map((id) => {
          const { custom_id, prompt, target_new } = edits.get(id)!.edit;
          return { id, custom_id, prompt, target_new, active: active.has(id) };
        }),
        reason: row.reason,
        created_at: row.createdAt.toISOString(),
      };
    },
  );
}

/** The edits that are active at the head of a branch, in the order in which they act. */
export async function activeEdits(db: Db, branchId: string): Promise<readonly EditRecord[]> {
  const branch = await clientOf(db).branch.findUniqueOrThrow({ where: { id: branchId } });
  const ids = [...new Set((await readChain(db, branch.tipId)).flatMap(({ edit_ids }) => edit_ids))];
  const edits = await editsById(db, ids);
  return ids.map((id) => editRecord(edits.get(id)!));
}

/** Whether a branch has been at a version, or began there. */
export async function hasBeenAt(db: Db, branchId: string, version: string): Promise<boolean> {
  return (await clientOf(db).branchMove.findFirst({ where: { branchId, toVersionId: version } })) !== null;
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
    include: { to: { include: { tip: true } }, tip: true },
  });
  const broken = (what: string) => new ErrataError('internal', `branch ${branchId} is broken: ${what}`);
  const root = rootVersionId(branch.model.digest);
  const damaged = new Map((await damagedLinks(db, branch.modelId)).map(({ id, found }) => [id, found]));
  let from: string | null = null;
  for (const [index, move] of moves.entries()) {
    if (move.sequence !== index + 1) throw broken(`move ${index + 1} is missing`);
    if (move.fromVersionId !== from)
      throw broken(`move ${move.sequence} starts at ${move.fromVersionId}, not at ${from}`);
    for (const tip of [move.tip, move.to.tip]) {
      const id = tip === null ? root : (damaged.get(tip.id) ?? tip.versionId);
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

const linksAtOnce = 1000;

/** The links of a model's chains whose version is not that of the link before and their deltas, with what it would be. */
export async function damagedLinks(
  db: Db,
  modelId: string,
): Promise<readonly { readonly id: string; readonly found: string }[]> {
  const client = clientOf(db);
  const { digest } = await client.model.findUniqueOrThrow({ where: { id: modelId }, select: { digest: true } });
  const damaged: { id: string; found: string }[] = [];
  for (let after = ''; ; ) {
    const rows = await client.contribution.findMany({
      where: { modelId, id: { gt: after } },
      orderBy: { id: 'asc' },
      take: linksAtOnce,
      include: { previous: { select: { versionId: true } } },
    });
    for (const { id, deltas, previous, versionId } of rows) {
      const before = previous?.versionId ?? rootVersionId(digest);
      const found = deltaListSchema.parse(deltas).reduce(nextVersionId, before);
      if (found !== versionId) damaged.push({ id, found });
    }
    if (rows.length < linksAtOnce) return damaged;
    after = rows.at(-1)!.id;
  }
}
