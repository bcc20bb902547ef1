// API keys: shown once, kept as a hash.
import { randomBytes } from 'node:crypto';
import { type KeyResource, type Page, type Scope, sha256 } from '@errata/contracts';
import { noteAct } from '../audit/note.ts';
import { type Db, type Lineage, within } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import { idCursor, type PageRequest, pageOf } from '../database/pages.ts';
import { type ApiKey as KeyRow, Prisma } from '../generated/client.ts';
import { grantsOf, isPerson } from './memberships.ts';
import type { Reach } from './reach.ts';

export const keyPrefix = 'errata_sk_';

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly reach: Reach;
}

/** What is known of a key. */
export interface KeyRecord extends Omit<ApiKey, 'reach'> {
  /** Id of the project that it is for; null for the whole service. */
  readonly projectId: string | null;
  /** Ids of the models that it is limited to; none for no limit. */
  readonly models: readonly string[];
  readonly createdAt: Date;
  /** Null: it ends when it is revoked. */
  readonly expiresAt: Date | null;
  /** To the minute; null where it never was. */
  readonly lastUsedAt: Date | null;
}

export interface MadeKey {
  readonly key: KeyRecord;
  /** Shown once. */
  readonly token: string;
}

export interface KeyLimits {
  readonly expiresAt?: Date | null;
  /** Id; null for the whole service. */
  readonly projectId?: string | null;
  /** Ids; none for no limit. */
  readonly models?: readonly string[];
}

/** Makes a key. The token is returned here and never again. 32 bytes of chance need no salt and no slow hash. */
export async function createKey(
  db: Db,
  name: string,
  scopes: readonly Scope[],
  { expiresAt = null, projectId = null, models = [] }: KeyLimits = {},
): Promise<MadeKey> {
  const token = keyPrefix + randomBytes(32).toString('base64url');
  const row = await within(db, async (tx) => {
    const limits = { projectId, models: [...models], expiresAt };
    const made = await tx.apiKey.create({
      data: { id: newId('key'), name, hash: sha256(token), scopes: [...scopes], ...limits },
    });
    const details = { name, scopes, project_id: projectId, models, expires_at: expiresAt?.toISOString() };
    await noteAct(tx, { act: 'key.created', subject: made.id, details });
    return made;
  });
  return { key: keyRecord(row), token };
}

/** A use is noted when the last one noted is this long ago: not every request is a write. */
const notedEveryMs = 60_000;

interface UsedKey extends Omit<KeyRow, 'hash' | 'createdAt'> {
  /** Of the models of its project, those that it reaches; all that it is limited to where it is for none. */
  readonly reached: readonly string[];
}

/** The key a token stands for; null when there is none, it was revoked, or its time is over. */
export async function findKey(db: Lineage, token: string): Promise<ApiKey | null> {
  if (!token.startsWith(keyPrefix)) return null;
  // Every request waits for this.
  return useKey(db, await selectKey(db, Prisma.sql`hash = ${sha256(token)}`));
}

/** The key, or the person, of an id; null when it is valid no more. */
export async function findKeyById(db: Lineage, id: string): Promise<ApiKey | null> {
  return useKey(db, await selectKey(db, Prisma.sql`id = ${id}`));
}

async function useKey(db: Lineage, row: UsedKey | null): Promise<ApiKey | null> {
  if (row === null) return null;
  await noteUse(db, row);
  return apiKey(db, row);
}

async function selectKey(db: Lineage, which: Prisma.Sql): Promise<UsedKey | null> {
  const [row] = await db.prisma.$queryRaw<UsedKey[]>`/* prepared */
    SELECT id, name, scopes, project_id AS "projectId", models, memberships, revoked_at AS "revokedAt", expires_at AS "expiresAt",
      last_used_at AS "lastUsedAt", CASE WHEN project_id IS NULL THEN models ELSE ARRAY(
        SELECT m.id FROM models m WHERE m.project_id = k.project_id AND (k.models = '{}' OR m.id = ANY(k.models))) END AS reached
    FROM api_keys k WHERE ${which}`;
  return row !== undefined && isValid(row) ? row : null;
}

async function noteUse(db: Lineage, { id, lastUsedAt }: UsedKey): Promise<void> {
  const now = new Date();
  const before = new Date(now.getTime() - notedEveryMs);
  if (lastUsedAt !== null && lastUsedAt > before) return;
  await db.prisma.apiKey.updateMany({
    where: { id, OR: [{ lastUsedAt: null }, { lastUsedAt: { lte: before } }] },
    data: { lastUsedAt: now },
  });
}

/** Whether a key counts: neither revoked nor past its time. */
const isValid = ({ revokedAt, expiresAt }: Pick<KeyRow, 'revokedAt' | 'expiresAt'>): boolean =>
  revokedAt === null && (expiresAt === null || expiresAt > new Date());

/** The same, asked of the database. */
export const validNow = () => ({ revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }] });

/** Those that are valid, the oldest first. */
export async function listKeys(db: Lineage): Promise<readonly KeyRecord[]> {
  const rows = await db.prisma.apiKey.findMany({ where: { id: ofKeys, revokedAt: null }, orderBy: { id: 'asc' } });
  return rows.filter(isValid).map(keyRecord);
}

/** The same a page at a time, as they are shown, or those for some projects. The cursor is a key's id. */
export async function listKeyPage(
  db: Lineage,
  page: PageRequest & { readonly projects?: readonly string[] | undefined } = {},
): Promise<Page<KeyResource>> {
  const limit = page.limit ?? 20;
  const rows = await db.prisma.apiKey.findMany({
    where: {
      ...validNow(),
      ...(page.projects === undefined ? {} : { projectId: { in: [...page.projects] } }),
      id: { ...ofKeys, ...(page.after === undefined ? {} : { gt: idCursor(page.after, 'key') }) },
    },
    orderBy: { id: 'asc' },
    take: limit + 1,
  });
  return pageOf(
    rows,
    limit,
    ({ id }) => id,
    (row) => keyResource(keyRecord(row)),
  );
}

/** A key as it is shown. */
export const keyResource = ({
  id,
  name,
  scopes,
  projectId,
  models,
  createdAt,
  expiresAt,
  lastUsedAt,
}: KeyRecord): KeyResource => ({
  id,
  object: 'key',
  name,
  scopes: [...scopes],
  project_id: projectId,
  models: models.length === 0 ? null : [...models],
  created_at: createdAt.toISOString(),
  expires_at: expiresAt?.toISOString() ?? null,
  last_used_at: lastUsedAt?.toISOString() ?? null,
});

/** Revokes a key, or turns a person out, at once; false when there was none. */
export async function revokeKey(db: Lineage, id: string): Promise<boolean> {
  return db.prisma.$transaction(async (tx) => {
    const { count } = await tx.apiKey.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: new Date() } });
    if (count === 1) await noteAct(tx, { act: 'key.revoked', subject: id });
    return count === 1;
  });
}

/**
 * Makes a key of the same name, scopes, project and models, as long-lived as the old one was meant to be, and lets the old one end after `graceMs`,
 * within which whoever has it takes the new one. Null when there was no valid key of this id.
 */
export async function rotateKey(db: Lineage, id: string, graceMs: number): Promise<MadeKey | null> {
  return db.prisma.$transaction(async (tx) => {
    // Of two who rotate at once, the second waits, and rotates what is left.
    const [locked] = await tx.$queryRaw<{ id: string }[]>`SELECT id FROM api_keys WHERE id = ${id} FOR UPDATE`;
    const old = locked === undefined || isPerson(id) ? null : await tx.apiKey.findUnique({ where: { id } });
    if (old === null || !isValid(old)) return null;
    const now = Date.now();
    const lives = old.expiresAt === null ? null : old.expiresAt.getTime() - old.createdAt.getTime();
    const made = await createKey(tx, old.name, old.scopes as Scope[], {
      expiresAt: lives === null ? null : new Date(now + lives),
      projectId: old.projectId,
      models: old.models,
    });
    const ends = Math.min(old.expiresAt?.getTime() ?? Infinity, now + graceMs);
    await tx.apiKey.update({ where: { id }, data: { expiresAt: new Date(ends) } });
    const details = { by_key: made.key.id, ends_at: new Date(ends).toISOString() };
    await noteAct(tx, { act: 'key.rotated', subject: id, details });
    return made;
  });
}

async function apiKey(db: Lineage, row: UsedKey): Promise<ApiKey> {
  const { id, name, scopes: held, projectId, models, memberships, reached } = row;
  if (isPerson(id)) return { id, name, ...(await grantsOf(db, id, memberships)) };
  const scopes = held as Scope[];
  const whole = projectId === null && models.length === 0;
  // Who is limited to some models does not stand for their project.
  const project = models.length === 0 ? projectId : null;
  return { id, name, scopes, reach: whole ? null : [{ project, scopes, models: reached }] };
}

const ofKeys = { startsWith: 'key_' } as const;

const keyRecord = (row: KeyRow): KeyRecord => ({
  id: row.id,
  name: row.name,
  scopes: row.scopes as Scope[],
  projectId: row.projectId,
  models: row.models,
  createdAt: row.createdAt,
  expiresAt: row.expiresAt,
  lastUsedAt: row.lastUsedAt,
});
