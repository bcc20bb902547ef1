// API keys: shown once, kept as a hash.
import { randomBytes } from 'node:crypto';
import { type Scope, sha256 } from '@errata/contracts';
import type { Lineage } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import type { ApiKey as KeyRow } from '../generated/client.ts';

export const keyPrefix = 'errata_sk_';

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
}

/** Makes a key. The token is returned here and never again. 32 bytes of chance need no salt and no slow hash. */
export async function createKey(
  db: Lineage,
  name: string,
  scopes: readonly Scope[],
): Promise<{ readonly key: ApiKey; readonly token: string }> {
  const token = keyPrefix + randomBytes(32).toString('base64url');
  const row = await db.prisma.apiKey.create({
    data: { id: newId('key'), name, hash: sha256(token), scopes: [...scopes] },
  });
  return { key: apiKey(row), token };
}

/** The key a token stands for; null when there is none or it was revoked. */
export async function findKey(db: Lineage, token: string): Promise<ApiKey | null> {
  if (!token.startsWith(keyPrefix)) return null;
  const row = await db.prisma.apiKey.findUnique({ where: { hash: sha256(token) } });
  return row === null || row.revokedAt !== null ? null : apiKey(row);
}

export async function listKeys(db: Lineage): Promise<readonly ApiKey[]> {
  const rows = await db.prisma.apiKey.findMany({ where: { revokedAt: null }, orderBy: { id: 'asc' } });
  return rows.map(apiKey);
}

/** Revokes a key at once; false when there was none to revoke. */
export async function revokeKey(db: Lineage, id: string): Promise<boolean> {
  const { count } = await db.prisma.apiKey.updateMany({
    where: { id, revokedAt: null },
    data: { revokedAt: new Date() },
  });
  return count === 1;
}

export const apiKey = (row: KeyRow): ApiKey => ({ id: row.id, name: row.name, scopes: row.scopes as Scope[] });
