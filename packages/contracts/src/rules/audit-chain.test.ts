// The chain of the audit log: whatever is done to a copy of it is found where it was done.
import { expect, test } from 'vitest';
import type { AuditEntry } from '../wire/audit.ts';
import { type AuditPlace, auditFault, auditHash } from './audit-chain.ts';

const entries: AuditEntry[] = [];
for (const subject of ['one', 'two', 'three', 'four']) {
  const entry = {
    object: 'audit_entry' as const,
    position: entries.length + 1,
    at: '2026-11-30T12:00:00.000Z',
    act: 'key.created',
    actor: null,
    model_id: null,
    subject,
    details: { name: subject },
    previous_hash: entries.at(-1)?.hash ?? null,
  };
  entries.push({ ...entry, hash: auditHash(entry) });
}

function faults(copy: readonly AuditEntry[]): [number, string][] {
  let before: AuditPlace | null = null;
  return copy.flatMap((entry): [number, string][] => {
    const fault = auditFault(entry, before);
    before = entry;
    return fault === null ? [] : [[entry.position, fault]];
  });
}

test('a whole copy has no fault', () => expect(faults(entries)).toEqual([]));

test.each<[string, (copy: AuditEntry[]) => unknown, [number, string][]]>([
  ['changed', (copy) => (copy[1] = { ...copy[1]!, actor: 'key_x' }), [[2, 'it is not what it was when it was sealed']]],
  ['taken out', (copy) => copy.splice(1, 1), [[3, 'it follows entry 1: those between are missing']]],
  [
    'changed and sealed anew',
    (copy) => {
      const { hash: _, ...rest } = { ...copy[1]!, subject: 'other' };
      copy[1] = { ...rest, hash: auditHash(rest) };
    },
    [[3, `it was sealed behind ${entries[1]!.hash}, not behind`]],
  ],
])('an entry that was %s is named', (_, tamper, expected) => {
  const copy = [...entries];
  tamper(copy);
  expect(faults(copy)).toEqual(expected.map(([position, what]) => [position, expect.stringContaining(what)]));
});
