// The chain of the audit log: an entry's hash covers all of it and the hash before it, so that none is changed, lost or added unseen.
import { canonicalJson, sha256 } from '../text/canonical.ts';
import type { AuditEntry } from '../wire/audit.ts';

/** What an entry's hash is to be. */
export function auditHash({ hash: _, ...rest }: Omit<AuditEntry, 'hash'> & { readonly hash?: string }): string {
  return sha256(canonicalJson(rest));
}

/** Where the chain stood before an entry. */
export type AuditPlace = Pick<AuditEntry, 'position' | 'hash'>;

/** What is wrong with an entry behind another, or with the first; null when nothing is. */
export function auditFault(entry: AuditEntry, before: AuditPlace | null): string | null {
  const expected = (before?.position ?? 0) + 1;
  if (entry.position !== expected) return `it follows entry ${expected - 1}: those between are missing`;
  if (auditHash(entry) !== entry.hash) return 'it is not what it was when it was sealed';
  if (entry.previous_hash !== (before?.hash ?? null))
    return `it was sealed behind ${entry.previous_hash ?? 'nothing'}, not behind ${before?.hash ?? 'nothing'}`;
  return null;
}
