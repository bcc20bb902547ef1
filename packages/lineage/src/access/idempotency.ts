// Idempotency keys: a request sent twice is carried out once, also when a process died between carrying it out and answering.
import { randomUUID } from 'node:crypto';
import { ErrataError } from '@errata/contracts';
import { asJson, clientOf, type Db, type Lineage, type Tx } from '../database/client.ts';
import { Prisma } from '../generated/client.ts';

/** The right to carry out one request. */
export interface IdempotencyClaim {
  /** Id of the API key: the same idempotency key of another caller is another key. */
  readonly owner: string;
  readonly key: string;
  readonly claim: string;
}

export type IdempotencyOutcome =
  /** Carry the request out, then {@link completeIdempotent}, or {@link abandonIdempotent} when it failed in passing. */
  | { readonly kind: 'begin'; readonly claim: IdempotencyClaim }
  /** Answer as the first time. */
  | { readonly kind: 'replay'; readonly status: number; readonly response: unknown }
  /** The job was queued, but the answer was never given, or not kept: answer from the job, then complete. */
  | { readonly kind: 'resume'; readonly claim: IdempotencyClaim; readonly jobId: string };

/** A claim that was neither completed nor abandoned for this long belongs to a process that died. */
const abandonedAfterMs = 60_000;

/** How long a key is remembered; after that it is as good as new. */
export const keyLifetimeMs = 24 * 3_600_000;

/** Bytes of an answer that is kept, as JSON. A job's answer is its job, which is kept anyway. */
export const keptAnswerBytes = 256 * 1024;

interface Row {
  readonly claim: string;
  readonly route: string;
  /** Null where it is not known. */
  readonly body_digest: string | null;
  readonly job_id: string | null;
  readonly status: number | null;
  readonly response: unknown;
  readonly completed: boolean;
}

/**
 * `idempotency_key_reused` for another route or body, `idempotency_in_flight` while the first request is being carried out,
 * `idempotency_answer_gone` when it was carried out and its answer was too large to keep.
 */
export async function beginIdempotent(
  db: Lineage,
  request: { readonly owner: string; readonly key: string; readonly route: string; readonly bodyDigest: string },
  staleMs: number = abandonedAfterMs,
): Promise<IdempotencyOutcome> {
  const { owner, key, route, bodyDigest } = request;
  const claim: IdempotencyClaim = { owner, key, claim: randomUUID() };
  await forgetKeys(db, Prisma.sql`owner = ${owner} AND key = ${key}`);
  // One statement decides: inserted, or taken over from the dead, or neither.
  const [ours] = await db.prisma.$queryRaw<{ job_id: string | null }[]>`
    INSERT INTO idempotency_keys (owner, key, route, body_digest, claim) VALUES (${owner}, ${key}, ${route}, ${bodyDigest}, ${claim.claim})
    ON CONFLICT (owner, key) DO UPDATE SET claim = excluded.claim, claimed_at = clock_timestamp()
    WHERE idempotency_keys.completed_at IS NULL
      AND idempotency_keys.route = excluded.route
      AND coalesce(idempotency_keys.body_digest, excluded.body_digest) = excluded.body_digest
      AND idempotency_keys.claimed_at < clock_timestamp() - ${staleMs}::double precision * interval '1 millisecond'
    RETURNING job_id`;
  if (ours !== undefined) {
    return ours.job_id === null ? { kind: 'begin', claim } : { kind: 'resume', claim, jobId: ours.job_id };
  }
  const [row] = await db.prisma.$queryRaw<Row[]>`
    SELECT claim, route, body_digest, job_id, status, response, completed_at IS NOT NULL AS completed
    FROM idempotency_keys WHERE owner = ${owner} AND key = ${key}`;
  if (row !== undefined && (row.route !== route || (row.body_digest ?? bodyDigest) !== bodyDigest)) {
    throw new ErrataError(
      'idempotency_key_reused',
      `idempotency key ${JSON.stringify(key)} was used for another request`,
    );
  }
  if (row?.completed === true && row.status !== null) {
    const { status, response, job_id: jobId } = row;
    if (response !== null) return { kind: 'replay', status, response };
    if (jobId !== null) return { kind: 'resume', claim, jobId };
    throw new ErrataError(
      'idempotency_answer_gone',
      `the request with idempotency key ${JSON.stringify(key)} was carried out (${status}); its answer was over ${keptAnswerBytes} bytes and was not kept`,
      { details: { status } },
    );
  }
  throw new ErrataError(
    'idempotency_in_flight',
    `a request with idempotency key ${JSON.stringify(key)} is being carried out`,
  );
}

/** Forgets the keys of all requests of more than {@link keyLifetimeMs} ago, and says how many there were. */
export const sweepIdempotencyKeys = (db: Lineage): Promise<number> => forgetKeys(db, Prisma.sql`true`);

// A moderate number at a time: whoever sweeps comes again.
const sweptAtOnce = 10_000;

const forgetKeys = (db: Lineage, which: Prisma.Sql): Promise<number> => db.prisma.$executeRaw`
  DELETE FROM idempotency_keys WHERE (owner, key) IN (
    SELECT owner, key FROM idempotency_keys
    WHERE ${which} AND claimed_at < clock_timestamp() - ${keyLifetimeMs}::double precision * interval '1 millisecond'
    LIMIT ${sweptAtOnce} FOR UPDATE SKIP LOCKED)`;

/** Keeps the answer for replays, unless it is over {@link keptAnswerBytes}; false when another process has taken the request over, or an answer is kept already. */
export async function completeIdempotent(
  db: Db,
  claim: IdempotencyClaim,
  status: number,
  response: unknown,
): Promise<boolean> {
  const kept = Buffer.byteLength(JSON.stringify(response)) <= keptAnswerBytes;
  const { count } = await clientOf(db).idempotencyKey.updateMany({
    where: { owner: claim.owner, key: claim.key, claim: claim.claim, completedAt: null },
    data: { status, response: kept ? asJson(response) : Prisma.DbNull, completedAt: new Date() },
  });
  return count === 1;
}

/**
 * Keeps the answer in the transaction that carries the request out, for work that leaves no job: a crash between the two cannot do it
 * twice. `idempotency_in_flight` when the claim was taken over.
 */
export async function answerWithin(tx: Tx, claim: IdempotencyClaim, status: number, response: unknown): Promise<void> {
  if (!(await completeIdempotent(tx, claim, status, response)))
    throw new ErrataError('idempotency_in_flight', 'this request is being carried out by another process');
}

/** Frees the key after a failure that left nothing behind, so that the caller may try again. */
export async function abandonIdempotent(db: Lineage, claim: IdempotencyClaim): Promise<void> {
  await db.prisma.idempotencyKey.deleteMany({
    where: { owner: claim.owner, key: claim.key, claim: claim.claim, completedAt: null, jobId: null },
  });
}

/** Ties a job to the claim in the transaction that queues it. `idempotency_in_flight` when the claim was taken over. */
export async function bindJob(tx: Tx, claim: IdempotencyClaim, jobId: string): Promise<void> {
  const { count } = await tx.idempotencyKey.updateMany({
    where: { owner: claim.owner, key: claim.key, claim: claim.claim, jobId: null, completedAt: null },
    data: { jobId },
  });
  if (count !== 1)
    throw new ErrataError('idempotency_in_flight', 'this request is being carried out by another process');
}
