// The audit log: acts that are done at once, and sealed by several at once, make one chain without gaps.
import { type AuditEntry, type AuditPlace, auditFault } from '@errata/contracts';
import { afterAll, expect, test } from 'vitest';
import { actingAs, createKey, listAudit, revokeKey, sealAudit, submitEditJob } from '../index.ts';
import { importModel, madeEdit, openFixture } from '../lineage.fixture.ts';

const fixture = await openFixture();
const { db, query } = fixture;
afterAll(fixture.close);

async function everyEntry(): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for (let after: string | null = '0'; after !== null; ) {
    const page = await listAudit(db, {}, { after, limit: 50 });
    entries.push(...page.data);
    after = page.next_cursor;
  }
  return entries;
}

test('acts done and sealed side by side are one chain, each told once', async () => {
  const makers = Array.from({ length: 40 }, async (_, number) => {
    const { key } = await createKey(db, `key ${number}`, ['models:read']);
    if (number % 2 === 0) await actingAs(`key_of_${number}`, () => revokeKey(db, key.id));
  });
  const sealers = Array.from({ length: 4 }, async () => {
    for (let times = 0; times < 5; times += 1) await sealAudit(db);
  });
  await Promise.all([...makers, ...sealers]);
  await sealAudit(db);
  const entries = await everyEntry();
  let before: AuditPlace | null = null;
  for (const entry of entries) {
    expect(auditFault(entry, before)).toBeNull();
    before = entry;
  }
  expect(entries.filter(({ act }) => act === 'key.created')).toHaveLength(40);
  const revoked = entries.filter(({ act }) => act === 'key.revoked');
  expect(revoked.map(({ actor }) => actor).sort()).toEqual(
    Array.from({ length: 20 }, (_, number) => `key_of_${2 * number}`).sort(),
  );
});

test('what is rolled back is not told', async () => {
  await sealAudit(db);
  const before = (await everyEntry()).length;
  const lost = db.prisma.$transaction(async (tx) => {
    await createKey(tx, 'lost', ['admin']);
    throw new Error('lost');
  });
  await expect(lost).rejects.toThrow('lost');
  await sealAudit(db);
  expect(await everyEntry()).toHaveLength(before);
});

test('a submission is told with who asked, and no text of its edits', async () => {
  const model = await importModel(db, 'atlas');
  const edit = madeEdit('Ruritania');
  const edits = [edit];
  const job = await submitEditJob(db, {
    model: model.model,
    branch: 'main',
    edits,
    config: {},
    seed: 0,
    on_error: 'abort',
    on_conflict: 'fail',
    created_by: 'key_author',
  });
  await sealAudit(db);
  const { data } = await listAudit(db, { subject: job.id });
  expect(data).toMatchObject([{ act: 'job.submitted', actor: 'key_author', details: { kind: 'edit', edits: 1 } }]);
  expect(JSON.stringify(await everyEntry())).not.toContain('Ruritania');
});

test('the database itself refuses to change or delete what was sealed, and to rewrite what was not', async () => {
  await createKey(db, 'last', ['admin']);
  for (const statement of [
    `UPDATE audit_entries SET actor = 'x' WHERE position = 1`,
    `UPDATE audit_entries SET hash = 'x' WHERE position = 1`,
    `UPDATE audit_entries SET subject = 'x' WHERE position IS NULL`,
    `DELETE FROM audit_entries`,
  ])
    await expect(query(statement), statement).rejects.toThrow('append-only');
});
