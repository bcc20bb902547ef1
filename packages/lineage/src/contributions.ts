// Contributions: which deltas are active, in order, and which edits they answer. Stored as a chain whose links never change.
import {
  type DeltaReference,
  deltaReferenceSchema,
  ErrataError,
  type Manifest,
  rootManifest,
  versionId,
} from '@errata/contracts';
import { z } from 'zod';
import { clientOf, type Db, type Tx } from './client.ts';
import { newId } from './ids.ts';

/** What one solve left: some deltas and the edits that they answer together. It is taken back as a whole or not at all. */
export interface Contribution {
  /** The edit job whose request these edits came with, also when a rollback computed the deltas anew. */
  readonly job_id: string;
  readonly edit_ids: readonly string[];
  /** In order of installation. */
  readonly deltas: readonly DeltaReference[];
  /** Bytes of the deltas' blobs. */
  readonly bytes: number;
  /** Present on contributions that were read back; lets a commit share the beginning of a chain instead of copying it. */
  readonly link?: { readonly id: string; readonly previous: string | null };
}

/** The manifest of a model with these contributions active. */
export const manifestOf = (modelDigest: string, contributions: readonly Contribution[]): Manifest => ({
  ...rootManifest(modelDigest),
  deltas: contributions.flatMap(({ deltas }) => deltas.map(({ kind, blob }) => ({ kind, blob }))),
});

interface ChainRow {
  readonly id: string;
  readonly previous_id: string | null;
  readonly job_id: string;
  readonly edit_ids: string[];
  readonly deltas: unknown;
  readonly bytes: bigint;
}

const deltasSchema = z.array(deltaReferenceSchema);

/** The contributions of the chain that ends at `tip`, first to last; only those after `until` when the chain holds that link. */
export async function readChain(
  db: Db,
  tip: string | null,
  until: string | null = null,
): Promise<readonly Contribution[]> {
  if (tip === null || tip === until) return [];
  const rows = await clientOf(db).$queryRaw<ChainRow[]>`
    WITH RECURSIVE chain AS (
      SELECT * FROM contributions WHERE id = ${tip}
      UNION ALL
      SELECT earlier.* FROM contributions earlier JOIN chain ON earlier.id = chain.previous_id
      WHERE earlier.id IS DISTINCT FROM ${until}
    )
    SELECT id, previous_id, job_id, edit_ids, deltas, bytes FROM chain ORDER BY depth`;
  return rows.map((row) => ({
    job_id: row.job_id,
    edit_ids: row.edit_ids,
    deltas: deltasSchema.parse(row.deltas),
    bytes: Number(row.bytes),
    link: { id: row.id, previous: row.previous_id },
  }));
}

/** The edits that are active in one chain and not in the other; costs what the chains differ by when one continues the other. */
export async function switchedEdits(
  db: Db,
  before: string | null,
  after: string | null,
): Promise<{ readonly on: readonly string[]; readonly off: readonly string[] }> {
  const editsOf = (chain: readonly Contribution[]) => [...new Set(chain.flatMap(({ edit_ids }) => edit_ids))];
  const continues = (chain: readonly Contribution[], from: string | null) => chain[0]?.link?.previous === from;
  if (before === after) return { on: [], off: [] };
  const added = await readChain(db, after, before);
  if (continues(added, before)) return { on: editsOf(added), off: [] };
  const removed = await readChain(db, before, after);
  if (continues(removed, after)) return { on: [], off: editsOf(removed) };
  const [earlier, later] = [new Set(editsOf(removed)), new Set(editsOf(added))];
  return { on: [...later].filter((id) => !earlier.has(id)), off: [...earlier].filter((id) => !later.has(id)) };
}

export interface WrittenChain {
  readonly tip: string | null;
  readonly version: string;
  readonly bytes: number;
}

/**
 * Writes what the chain for these contributions lacks and reads it back: the version's id is the digest of what is stored, not of
 * what was meant.
 */
export async function writeChain(
  tx: Tx,
  model: { readonly id: string; readonly digest: string },
  contributions: readonly Contribution[],
): Promise<WrittenChain> {
  let tip: string | null = null;
  let bytes = 0;
  const missing: Record<string, unknown>[] = [];
  for (const [index, { link, job_id, edit_ids, deltas, bytes: own }] of contributions.entries()) {
    bytes += own;
    if (link !== undefined && link.previous === tip) {
      tip = link.id;
      continue;
    }
    const id = newId('con');
    missing.push({ id, previous_id: tip, depth: index + 1, job_id, edit_ids, deltas, bytes: own, total_bytes: bytes });
    tip = id;
  }
  if (missing.length > 0) {
    await tx.$executeRaw`
      INSERT INTO contributions (id, model_id, previous_id, depth, job_id, edit_ids, deltas, bytes, total_bytes)
      SELECT id, ${model.id}, previous_id, depth, job_id, edit_ids, deltas, bytes, total_bytes
      FROM jsonb_to_recordset(${JSON.stringify(missing)}::jsonb) AS given(
        id text, previous_id text, depth integer, job_id text, edit_ids text[], deltas jsonb, bytes bigint, total_bytes bigint)`;
  }
  const version = versionId(manifestOf(model.digest, await readChain(tx, tip)));
  if (version !== versionId(manifestOf(model.digest, contributions))) {
    throw new ErrataError('internal', 'the stored chain of deltas differs from the one to be committed');
  }
  return { tip, version, bytes };
}
