// The check finds every kind of damage, names what is damaged, and nothing else.
import { truncate, writeFile } from 'node:fs/promises';
import { type ProblemKind, problemKinds, sha256 } from '@errata/contracts';
import { createTag, groundAt, recordSnapshot, sealAudit, setAlias } from '@errata/lineage';
import { afterAll, expect, test } from 'vitest';
import { checkEverything } from './index.ts';
import { openUpkeep } from './upkeep.fixture.ts';

const fixture = await openUpkeep();
const { db, store, branch, query } = fixture;
afterAll(() => fixture.close());

const check = (content = true) => checkEverything(db, store, { content });
const edits = [await fixture.edit(), await fixture.edit(), await fixture.edit()];
const [first, second, third] = edits as [(typeof edits)[0], (typeof edits)[0], (typeof edits)[0]];
await createTag(db, branch.model, { name: 'v1', version: second.version });
await setAlias(db, branch.model, 'production', { version: 'v1' });
await setAlias(db, branch.model, 'production', { version: 'main' });
const { tipId } = await db.prisma.branch.findUniqueOrThrow({ where: { id: branch.branch } });
const snapshot = await fixture.put('the whole state');
await recordSnapshot(db, {
  model_id: branch.model,
  tip: tipId!,
  version: third.version,
  blob: snapshot.sha256,
  bytes: snapshot.size,
  replay_ms: 3,
  load_ms: 1,
});

await sealAudit(db);

test('what is whole is found whole, and what was looked at is counted', async () => {
  const stray = await fixture.put('nobody names this');
  const report = await check();
  expect(report).toMatchObject({ ok: true, problem_count: 0, by_kind: {}, problems: [] });
  expect(report.checked).toMatchObject({
    blobs: 5,
    references: 5,
    contributions: 3,
    versions: 4,
    branches: 1,
    moves: 4,
    aliases: 1,
    tags: 1,
    snapshots: 1,
    jobs: 4,
    audit_entries: 12,
  });
  expect(report.unnamed).toEqual({ blobs: 1, bytes: stray.size });
});

const withoutTriggers = async (table: string, statement: string, values: unknown[] = []) => {
  await query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
  await query(statement, values);
  await query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
};

interface Damage {
  readonly kind: ProblemKind;
  readonly what: string;
  /** What the report must name. */
  readonly where: string;
  readonly inflict: () => Promise<unknown>;
  readonly mend: () => Promise<unknown>;
}

const linkAt = async (depth: number) =>
  (await db.prisma.contribution.findFirstOrThrow({ where: { modelId: branch.model, depth } })).id;
const [one, two, three] = [await linkAt(1), await linkAt(2), await linkAt(3)];
const { id: aliasId } = await db.prisma.alias.findFirstOrThrow();
const { id: tagId } = await db.prisma.tag.findFirstOrThrow();
const job = (await db.prisma.branchMove.findFirstOrThrow({ where: { toVersionId: third.version } })).jobId!;
const bytesOf = (blob: string) => store.get(blob);
const lost = await bytesOf(first.blob);
const changed = await bytesOf(second.blob);

/** A change of one column, and back. */
const column = (table: string, name: string, value: unknown, where: string, id: string) => {
  let before: unknown;
  return {
    inflict: async () => {
      const [row] = await query(`SELECT ${name}::text AS value FROM ${table} WHERE ${where} = $1`, [id]);
      before = row?.value;
      await withoutTriggers(table, `UPDATE ${table} SET ${name} = $1 WHERE ${where} = $2`, [value, id]);
    },
    mend: () => withoutTriggers(table, `UPDATE ${table} SET ${name} = $1 WHERE ${where} = $2`, [before, id]),
  };
};

/** An entry of the audit log, removed and put back. */
function takenOut(which: string): Pick<Damage, 'inflict' | 'mend'> {
  return {
    inflict: async () => {
      await query(`CREATE TABLE taken AS SELECT * FROM audit_entries WHERE ${which}`);
      await withoutTriggers('audit_entries', 'DELETE FROM audit_entries WHERE id IN (SELECT id FROM taken)');
    },
    mend: async () => {
      await query('INSERT INTO audit_entries SELECT * FROM taken');
      await query('DROP TABLE taken');
    },
  };
}

const damages: readonly Damage[] = [
  {
    kind: 'blob_missing',
    what: 'a delta that was deleted',
    where: first.blob,
    inflict: () => store.delete(first.blob),
    mend: () => store.put(lost),
  },
  {
    kind: 'blob_corrupt',
    what: 'a bit that flipped',
    where: second.blob,
    inflict: () =>
      writeFile(fixture.fileOf(second.blob), Buffer.from(changed.map((byte, i) => (i === 2 ? byte ^ 1 : byte)))),
    mend: () => store.put(changed),
  },
  {
    kind: 'blob_corrupt',
    what: 'a model file that became shorter',
    where: sha256('weights'),
    inflict: () => truncate(fixture.fileOf(sha256('weights')), 3),
    mend: () => store.put(Buffer.from('weights')),
  },
  {
    kind: 'chain_broken',
    what: 'deltas that were exchanged',
    where: two,
    ...column('contributions', 'deltas', JSON.stringify([{ kind: 'low_rank', blob: first.blob }]), 'id', two),
  },
  {
    kind: 'chain_broken',
    what: 'bytes that do not add up',
    where: two,
    ...column('contributions', 'total_bytes', 7, 'id', two),
  },
  {
    kind: 'chain_broken',
    what: 'a jump into nowhere',
    where: three,
    ...column('contributions', 'jump_id', two, 'id', three),
  },
  {
    kind: 'version_broken',
    what: 'a version that claims another chain',
    where: second.version,
    ...column('versions', 'tip_id', one, 'id', second.version),
  },
  {
    kind: 'history_broken',
    what: 'a head put elsewhere',
    where: branch.branch,
    ...column('branches', 'head_version_id', first.version, 'id', branch.branch),
  },
  {
    kind: 'history_broken',
    what: 'a move that starts nowhere',
    where: branch.branch,
    ...column('branch_moves', 'from_version_id', third.version, 'to_version_id', second.version),
  },
  {
    kind: 'alias_broken',
    what: 'an alias moved in silence',
    where: aliasId,
    ...column('aliases', 'version_id', first.version, 'id', aliasId),
  },
  {
    kind: 'alias_broken',
    what: 'a count of moves',
    where: aliasId,
    ...column('aliases', 'sequence', 9, 'id', aliasId),
  },
  {
    kind: 'tag_broken',
    what: 'a tag that was moved',
    where: tagId,
    ...column('tags', 'version_id', first.version, 'id', tagId),
  },
  {
    kind: 'snapshot_broken',
    what: 'a snapshot noted for another version',
    where: third.version,
    ...column('snapshots', 'contribution_id', two, 'version_id', third.version),
  },
  {
    kind: 'artefact_broken',
    what: 'an artefact made of one that is gone',
    where: 'art_orphan',
    inflict: () =>
      query(
        `INSERT INTO artefacts (id, model_id, kind, scope, parameters, parameters_digest, parents, blob, bytes)
         VALUES ('art_orphan', $1, 'projector', 'layer 1', '{}', 'p', '{art_gone}', $2, 7)`,
        [branch.model, sha256('weights')],
      ),
    mend: () => query(`DELETE FROM artefacts WHERE id = 'art_orphan'`),
  },
  {
    kind: 'job_broken',
    what: 'a state that no event tells of',
    where: job,
    ...column('jobs', 'state', 'failed', 'id', job),
  },
  {
    kind: 'audit_broken',
    what: 'an entry of the audit log that was rewritten',
    where: '2',
    ...column('audit_entries', 'actor', 'key_other', 'position', '2'),
  },
  {
    kind: 'audit_broken',
    what: 'one that was taken out',
    where: '4',
    ...takenOut(`position = 3`),
  },
  {
    kind: 'audit_broken',
    what: 'the last, cut off',
    where: aliasId,
    ...takenOut(`position = (SELECT max(position) FROM audit_entries)`),
  },
  {
    kind: 'usage_broken',
    what: 'bytes that were not counted',
    where: branch.model,
    inflict: () => query('UPDATE stored_bytes SET bytes = bytes - 1'),
    mend: () => query('SELECT recount_usage()'),
  },
  {
    kind: 'usage_broken',
    what: 'edits that were counted, and not asked for',
    where: branch.model,
    inflict: () => query('UPDATE asked_edits SET edits = edits + 1'),
    mend: () => query('SELECT recount_usage()'),
  },
];

test.each(damages)('$kind: $what', async ({ kind, where, inflict, mend }) => {
  await inflict();
  const report = await check();
  await mend();
  expect(report.ok).toBe(false);
  const kinds = new Set(report.problems.map((problem) => problem.kind));
  expect(report.problems).toContainEqual({ kind, where, what: expect.any(String) });
  expect(report.by_kind[kind]).toBeGreaterThan(0);
  // Exchanged deltas also leave a version and a blob in question; nothing else does.
  if (kind !== 'chain_broken' && kind !== 'version_broken') expect([...kinds]).toEqual([kind]);
  expect(await check(), 'mended').toMatchObject({ ok: true });
});

test('without reading contents, a wrong length is found and a flipped bit is not', async () => {
  const file = fixture.fileOf(sha256('weights'));
  await writeFile(file, 'weightz');
  expect(await check(false)).toMatchObject({ ok: true });
  await writeFile(file, 'weight');
  expect(await check(false)).toMatchObject({ by_kind: { blob_corrupt: 1 } });
  await store.put(Buffer.from('weights'));
});

test('a snapshot whose weights differ is broken, and every kind of problem has a test', async () => {
  const asked: string[] = [];
  const report = await checkEverything(db, store, {
    content: false,
    snapshotFault: async (version) => {
      asked.push(version);
      return 'its weights are not those of its deltas';
    },
  });
  expect(asked).toEqual([third.version]);
  expect(report.problems).toEqual([
    { kind: 'snapshot_broken', where: third.version, what: 'its weights are not those of its deltas' },
  ]);
  const { source } = await groundAt(db, branch.digest, tipId);
  expect(source.snapshot?.blob).toBe(snapshot.sha256);
  const tested = new Set([...damages.map(({ kind }) => kind), 'candidate_broken']);
  expect([...tested].sort()).toEqual([...problemKinds].sort());
});

test('a candidate whose deltas are not those of its version', async () => {
  const { sha256: blob } = await fixture.put('a delta that waits');
  const candidate = {
    jobId: job,
    modelId: branch.model,
    kind: 'edit',
    outcome: 'succeeded',
    parentVersionId: third.version,
    versionId: second.version,
    afterId: three,
    added: [{ job_id: job, edit_ids: [], deltas: [{ kind: 'low_rank', blob }], bytes: 1 }],
    policyRevision: 1,
  };
  await db.prisma.candidate.create({ data: candidate });
  expect(await check()).toMatchObject({ by_kind: { candidate_broken: 1 }, problems: [{ where: job }] });
  await db.prisma.candidate.delete({ where: { jobId: job } });
});
