// Sessions: what a browser shows instead of an API key, and links by which it is signed in once. Kept as hashes, as keys are.
import { randomBytes } from 'node:crypto';
import { sha256 } from '@errata/contracts';
import { noteAct } from '../audit/note.ts';
import type { Lineage } from '../database/client.ts';
import { type ApiKey, findKeyById } from './keys.ts';

const hour = 3_600_000;
/** A working week; whoever is still there signs in again. */
export const sessionMs = 7 * 24 * hour;
/** Of a person, whose roles the provider tells again at the next sign-in. */
export const personSessionMs = 8 * hour;
/** Long enough to click, too short to be found in an old terminal. */
export const linkMs = hour / 6;

const prefixes = { session: 'errata_session_', link: 'errata_link_' } as const;
type Kind = keyof typeof prefixes;

export interface Session {
  readonly key: ApiKey;
  readonly expiresAt: Date;
}

async function create(db: Lineage, kind: Kind, keyId: string, livesMs: number) {
  const token = prefixes[kind] + randomBytes(32).toString('base64url');
  const now = Date.now();
  await db.prisma.session.deleteMany({ where: { expiresAt: { lt: new Date(now) } } });
  const expiresAt = new Date(now + livesMs);
  await db.prisma.$transaction(async (tx) => {
    await tx.session.create({ data: { hash: sha256(token), kind, keyId, expiresAt } });
    if (kind === 'session') await noteAct(tx, { act: 'session.opened', subject: keyId, by: keyId });
  });
  return { token, expiresAt };
}

/** Opens a session of a key or a person, whose scopes it has for as long as the key is valid. The token is returned here and never again. */
export const openSession = (db: Lineage, keyId: string, livesMs = sessionMs) => create(db, 'session', keyId, livesMs);

/** Makes what signs a browser in, once and soon. */
export const createSignInLink = (db: Lineage, keyId: string) => create(db, 'link', keyId, linkMs);

/** The session of a token; null when there is none, it has ended, or its key is valid no more. */
export async function findSession(db: Lineage, token: string): Promise<Session | null> {
  if (!token.startsWith(prefixes.session)) return null;
  const row = await db.prisma.session.findUnique({ where: { hash: sha256(token) } });
  if (row === null || row.kind !== 'session' || row.expiresAt <= new Date()) return null;
  const key = await findKeyById(db, row.keyId);
  return key && { key, expiresAt: row.expiresAt };
}

/** Ends a session. One that is not there has ended. */
export async function endSession(db: Lineage, token: string): Promise<void> {
  await db.prisma.session.deleteMany({ where: { hash: sha256(token), kind: 'session' } });
}

/** The key of a link, which is used up by it; null when there is none, it is too old or was used, or its key is valid no more. */
export async function useSignInLink(db: Lineage, token: string): Promise<ApiKey | null> {
  if (!token.startsWith(prefixes.link)) return null;
  const where = { hash: sha256(token), kind: 'link', expiresAt: { gt: new Date() } };
  const row = await db.prisma.session.findUnique({ where });
  const key = row && (await findKeyById(db, row.keyId));
  if (key === null) return null;
  // Of two who come at once, one has deleted it.
  const { count } = await db.prisma.session.deleteMany({ where });
  return count === 1 ? key : null;
}
