// Contributions: which deltas are active, in order, and which edits they answer. Stored as a chain whose links never change.
import {
  type DeltaReference,
  deltaReferenceSchema,
  ErrataError,
  type Manifest,
  nextVersionId,
  rootManifest,
  rootVersionId,
  type VersionSource,
} from '@errata/contracts';
import { z } from 'zod';
import { clientOf, type Db, type Tx } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import { Prisma } from '../generated/client.ts';

/** What one solve left: some deltas and the edits that they answer together. It is taken back as a whole or not at all. */
export interface Contribution {
  /** The edit job whose request these edits came with, also when a rollback computed the deltas anew. */
  readonly job_id: string;
  readonly edit_ids: readonly string[];
  /** In order of installation. */
  readonly deltas: readonly DeltaReference[];
  /** Bytes of the deltas' blobs. */
  readonly bytes: number;
}

/** A contribution as a link of a stored chain. */
export interface Link extends Contribution {
  readonly id: string;
  readonly previous: string | null;
  /** 1 for the first. */
  readonly depth: number;
  /** The version that ends here. */
  readonly version: string;
}

/** The manifest of a model with these contributions active. */
export const manifestOf = (modelDigest: string, contributions: readonly Contribution[]): Manifest => ({
  ...rootManifest(modelDigest),
  deltas: deltasOf(contributions),
});

export const deltasOf = (contributions: readonly Contribution[]): DeltaReference[] =>
  contributions.flatMap(({ deltas }) => deltas.map(({ kind, blob }) => ({ kind, blob })));

/** A state of a model to build upon: a stored link, and what is to come after it. */
export interface Ground {
  /** Null for the imported model. */
  readonly after: string | null;
  /** Not stored yet; their blobs are. */
  readonly added: readonly Contribution[];
  readonly source: VersionSource;
}

/** What the chain that ends at `tip` stands for. */
export const groundAt = async (db: Db, modelDigest: string, tip: string | null): Promise<Ground> => ({
  after: tip,
  added: [],
  source: await sourceAt(db, modelDigest, tip),
});

/** A ground with more on top. */
export const upon = ({ after, added, source }: Ground, more: readonly Contribution[]): Ground => ({
  after,
  added: [...added, ...more],
  source: { ...source, deltas: [...source.deltas, ...deltasOf(more)] },
});

/** The deltas of a contribution as they are stored. */
export const deltaListSchema = z.array(deltaReferenceSchema);

/** How to open the state that a chain stands for: it is walked back to the nearest snapshot, and no further. */
export async function sourceAt(db: Db, modelDigest: string, tip: string | null): Promise<VersionSource> {
  if (tip === null) return { model: modelDigest, deltas: [] };
  const steps = await clientOf(db).$queryRaw<OpeningStep[]>`
    WITH RECURSIVE chain AS (${openingChain(Prisma.sql`c.id = ${tip}`)}) SELECT ${openingStep} FROM chain ORDER BY depth`;
  return sourceOf(modelDigest, steps);
}

/** A link, back to the nearest snapshot, of the chain that a version is opened by. */
export interface OpeningStep {
  readonly deltas: unknown;
  readonly version_id: string;
  /** The snapshot of this version. */
  readonly blob: string | null;
}

/** What `chain` of a recursive query is; `end` says which contribution `c` is its last link. */
export const openingChain = (end: Prisma.Sql): Prisma.Sql => Prisma.sql`
      SELECT c.depth, c.previous_id, c.deltas, c.version_id, s.blob
      FROM contributions c LEFT JOIN snapshots s ON s.version_id = c.version_id WHERE ${end}
      UNION ALL
      SELECT c.depth, c.previous_id, c.deltas, c.version_id, s.blob
      FROM chain JOIN contributions c ON c.id = chain.previous_id LEFT JOIN snapshots s ON s.version_id = c.version_id
      WHERE chain.blob IS NULL`;

/** The columns of an {@link OpeningStep}. */
export const openingStep = Prisma.sql`CASE WHEN blob IS NULL THEN deltas ELSE '[]' END AS deltas, version_id, blob`;

/** @param steps first to last */
export function sourceOf(modelDigest: string, steps: readonly OpeningStep[]): VersionSource {
  const [first] = steps;
  return {
    model: modelDigest,
    ...(first?.blob == null ? {} : { snapshot: { version: first.version_id, blob: first.blob } }),
    deltas: steps.flatMap(({ deltas }) => deltaListSchema.parse(deltas)),
  };
}

/** The link that a version ends at; null for an imported model, and for what no job has committed. Of several the newest. */
export async function tipOfVersion(db: Db, modelId: string, versionId: string): Promise<string | null> {
  const link = await clientOf(db).contribution.findFirst({
    where: { modelId, versionId },
    orderBy: { id: 'desc' },
    select: { id: true },
  });
  return link?.id ?? null;
}

interface LinkRow {
  readonly id: string;
  readonly previous_id: string | null;
  readonly depth: number;
  readonly job_id: string;
  readonly edit_ids: string[];
  readonly deltas: unknown;
  readonly bytes: bigint;
  readonly version_id: string;
}

const asLink = (row: LinkRow): Link => ({
  id: row.id,
  previous: row.previous_id,
  depth: row.depth,
  job_id: row.job_id,
  edit_ids: row.edit_ids,
  deltas: deltaListSchema.parse(row.deltas),
  bytes: Number(row.bytes),
  version: row.version_id,
});

/**
 * The links of the chain that ends at `tip`, first to last; only those after `until`, a link of the same chain, and the last `most`
 * of them. It costs what it gives.
 */
export async function readChain(
  db: Db,
  tip: string | null,
  until: string | null = null,
  most: number | null = null,
): Promise<readonly Link[]> {
  if (tip === null || tip === until || most === 0) return [];
  const rows = await clientOf(db).$queryRaw<LinkRow[]>`
    WITH RECURSIVE chain AS (
      SELECT contributions.*, 1 AS place FROM contributions WHERE id = ${tip}
      UNION ALL
      SELECT earlier.*, place + 1 FROM contributions earlier JOIN chain ON earlier.id = chain.previous_id
      WHERE earlier.id IS DISTINCT FROM ${until} AND (${most}::integer IS NULL OR place < ${most}::integer)
    )
    SELECT id, previous_id, depth, job_id, edit_ids, deltas, bytes, version_id FROM chain ORDER BY depth`;
  return rows.map(asLink);
}

/** How many links a chain has. */
export async function chainLength(db: Db, tip: string | null): Promise<number> {
  if (tip === null) return 0;
  const { depth } = await clientOf(db).contribution.findUniqueOrThrow({ where: { id: tip }, select: { depth: true } });
  return depth;
}

/** The link of a chain at a depth, 1 the first; null for the imported model and beyond the tip. */
export async function linkAt(db: Db, tip: string | null, depth: number): Promise<Link | null> {
  const [row] = await clientOf(db).$queryRaw<LinkRow[]>`
    SELECT id, previous_id, depth, job_id, edit_ids, deltas, bytes, version_id FROM contributions
    WHERE id = chain_at(${tip}, ${depth})`;
  return row === undefined ? null : asLink(row);
}

/** What each of two chains has and the other has not. It costs what they differ by. */
export async function compareChains(
  db: Db,
  before: string | null,
  after: string | null,
): Promise<{ readonly added: readonly Link[]; readonly removed: readonly Link[] }> {
  if (before === after) return { added: [], removed: [] };
  const [{ meet }] = await clientOf(db).$queryRaw<[{ meet: string | null }]>`
    SELECT chain_meet(${before}, ${after}) AS meet`;
  return { added: await readChain(db, after, meet), removed: await readChain(db, before, meet) };
}

/** Edits that a step from one chain to another switches. */
export interface Switched {
  readonly on: readonly string[];
  readonly off: readonly string[];
}

/** The edits that are active in one chain and not in the other. */
export const switchedEdits = async (db: Db, before: string | null, after: string | null): Promise<Switched> =>
  (await switchedBySteps(db, [{ before, after }]))[0]!;

/** {@link switchedEdits} of many steps at once. */
export async function switchedBySteps(
  db: Db,
  steps: readonly { readonly before: string | null; readonly after: string | null }[],
): Promise<readonly Switched[]> {
  const given = JSON.stringify(steps.map((step, place) => ({ place, ...step })));
  const rows = await clientOf(db).$queryRaw<{ place: number; added: boolean; edit_ids: string[] }[]>`
    WITH RECURSIVE step AS (
      SELECT place, before, after, chain_meet(before, after) AS meet
      FROM jsonb_to_recordset(${given}::jsonb) AS given(place integer, before text, after text)
    ), side AS (
      SELECT place, meet, true AS added, after AS tip FROM step
      UNION ALL SELECT place, meet, false, before FROM step
    ), walk AS (
      SELECT place, meet, added, previous_id, depth, edit_ids FROM side JOIN contributions ON id = tip
      WHERE tip IS DISTINCT FROM meet
      UNION ALL
      SELECT place, meet, added, earlier.previous_id, earlier.depth, earlier.edit_ids
      FROM walk JOIN contributions earlier ON earlier.id = walk.previous_id WHERE earlier.id IS DISTINCT FROM meet
    )
    SELECT place, added, edit_ids FROM walk ORDER BY place, depth`;
  const sides = steps.map(() => ({ on: new Set<string>(), off: new Set<string>() }));
  for (const { place, added, edit_ids } of rows) {
    const side = added ? sides[place]!.on : sides[place]!.off;
    for (const id of edit_ids) side.add(id);
  }
  return sides.map(({ on, off }) => ({
    on: [...on].filter((id) => !off.has(id)),
    off: [...off].filter((id) => !on.has(id)),
  }));
}

/** The links of a chain by which these edits act, in order; an edit that is not active has none. */
export async function linksOfEdits(db: Db, tip: string | null, editIds: readonly string[]): Promise<readonly Link[]> {
  if (tip === null || editIds.length === 0) return [];
  const ids = [...editIds];
  const rows = await clientOf(db).$queryRaw<LinkRow[]>`
    SELECT c.id, previous_id, depth, c.job_id, edit_ids, deltas, bytes, version_id FROM contributions c
    WHERE c.job_id IN (SELECT job_id FROM edits WHERE id = ANY(${ids})) AND edit_ids && ${ids}
      AND chain_at(${tip}, depth) = c.id
    ORDER BY depth`;
  return rows.map(asLink);
}

/** What comes before the first link of a job on the chain that `link` is on: a job's links follow one another on every chain. */
export async function beforeJobOf(db: Db, link: Pick<Link, 'id'>): Promise<string | null> {
  const [first] = await clientOf(db).$queryRaw<[{ previous_id: string | null }]>`
    WITH RECURSIVE chain AS (
      SELECT id, previous_id, job_id, depth FROM contributions WHERE id = ${link.id}
      UNION ALL
      SELECT earlier.id, earlier.previous_id, earlier.job_id, earlier.depth
      FROM contributions earlier JOIN chain ON earlier.id = chain.previous_id WHERE earlier.job_id = chain.job_id
    )
    SELECT previous_id FROM chain ORDER BY depth LIMIT 1`;
  return first.previous_id;
}

export interface WrittenChain {
  readonly tip: string | null;
  readonly version: string;
  readonly bytes: number;
}

/**
 * Stores what a ground adds to its link, and reads it back: the version's id is the digest of what is stored, not of what was meant.
 * It costs what is added, however long the chain.
 */
export async function writeChain(
  tx: Tx,
  model: { readonly id: string; readonly digest: string },
  { after, added }: Pick<Ground, 'after' | 'added'>,
): Promise<WrittenChain> {
  const path = await jumpPath(tx, after);
  const start = path.get(after ?? '');
  let version = start?.version ?? rootVersionId(model.digest);
  let bytes = start?.bytes ?? 0;
  let tip = after;
  const rows: Record<string, unknown>[] = [];
  for (const { job_id, edit_ids, deltas, bytes: own } of added) {
    const id = newId('con');
    const depth = depthIn(path, tip) + 1;
    const jump_id = jumpFrom(path, tip);
    bytes += own;
    version = deltas.reduce(nextVersionId, version);
    const row = { id, previous_id: tip, depth, job_id, edit_ids, deltas, bytes: own, total_bytes: bytes };
    rows.push({ ...row, version_id: version, jump_id });
    path.set(id, { depth, jump: jump_id, version, bytes });
    tip = id;
  }
  if (rows.length > 0) {
    await tx.$executeRaw`
      INSERT INTO contributions (id, model_id, previous_id, depth, job_id, edit_ids, deltas, bytes, total_bytes, version_id, jump_id)
      SELECT id, ${model.id}, previous_id, depth, job_id, edit_ids, deltas, bytes, total_bytes, version_id, jump_id
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS given(
        id text, previous_id text, depth integer, job_id text, edit_ids text[], deltas jsonb, bytes bigint, total_bytes bigint,
        version_id text, jump_id text)`;
  }
  const stored = await readChain(tx, tip, after);
  const found = deltasOf(stored).reduce(nextVersionId, start?.version ?? rootVersionId(model.digest));
  if (found !== version) {
    throw new ErrataError('internal', 'the stored chain of deltas differs from the one to be committed');
  }
  return { tip, version, bytes };
}

/** What is known of links that new ones may jump to, by id. */
type Path = Map<string, { depth: number; jump: string | null; version: string; bytes: number }>;

/** A link, the one that it jumps to, the one that that jumps to, and so on: all that links after it ever jump to. */
async function jumpPath(tx: Tx, from: string | null): Promise<Path> {
  const rows = await tx.$queryRaw<
    { id: string; depth: number; jump_id: string | null; version_id: string; total_bytes: bigint }[]
  >`
    WITH RECURSIVE path AS (
      SELECT id, depth, jump_id, version_id, total_bytes FROM contributions WHERE id = ${from}
      UNION ALL
      SELECT far.id, far.depth, far.jump_id, far.version_id, far.total_bytes
      FROM contributions far JOIN path ON far.id = path.jump_id
    )
    SELECT * FROM path`;
  return new Map(
    rows.map((row) => [
      row.id,
      { depth: row.depth, jump: row.jump_id, version: row.version_id, bytes: Number(row.total_bytes) },
    ]),
  );
}

const depthIn = (path: Path, id: string | null): number => (id === null ? 0 : path.get(id)!.depth);
const jumpIn = (path: Path, id: string | null): string | null => (id === null ? null : path.get(id)!.jump);

/**
 * Where the link after `previous` jumps to: when the last two jumps on the way are of equal length, to the end of both, else to
 * `previous`. Lengths then grow as the digits of skew binary numbers do (Myers 1983), and links of equal depth jump equally far.
 */
function jumpFrom(path: Path, previous: string | null): string | null {
  const far = jumpIn(path, previous);
  const further = jumpIn(path, far);
  const [last, oneBefore] = [depthIn(path, previous) - depthIn(path, far), depthIn(path, far) - depthIn(path, further)];
  return last === oneBefore ? further : previous;
}
