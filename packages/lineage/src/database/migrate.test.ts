// Migrations: applied once whoever starts first, refused when history was rewritten, and in step with the Prisma schema.
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson, rootVersionId, sha256, versionId } from '@errata/contracts';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.ts';
import {
  checkBranch,
  findArtefact,
  getJob,
  getVersion,
  listArtefacts,
  listAudit,
  migrate,
  migrationsDirectory,
  openLineage,
  readManifest,
  sealAudit,
} from '../index.ts';
import { readPrismaSchema, readTables } from './schema-drift.fixture.ts';

const folder = await mkdtemp(join(tmpdir(), 'errata-migrations-'));
const databases: TestDatabase[] = [];
afterAll(async () => {
  for (const database of databases) await database.drop();
  await rm(folder, { recursive: true, force: true });
});

async function newDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  databases.push(database);
  return database;
}

async function newDirectory(name: string, ...migrations: readonly (readonly [string, string])[]): Promise<string> {
  const directory = join(folder, name);
  for (const [migration, sql] of migrations) {
    await mkdir(join(directory, migration), { recursive: true });
    await writeFile(join(directory, migration, 'migration.sql'), sql);
  }
  return directory;
}

const first = ['0001_first', 'CREATE TABLE a (id integer); INSERT INTO a VALUES (1);'] as const;

test('eight starters at once apply every migration exactly once', async () => {
  const database = await newDatabase();
  const applied = await Promise.all(Array.from({ length: 8 }, () => migrate(database.url)));
  expect(applied.flat()).toEqual([...new Set(applied.flat())]);
  expect(applied.flat()).toContain('0001_lineage');
  expect(await migrate(database.url)).toEqual([]);
});

test('a migration that fails leaves nothing of itself, and those before it stand', async () => {
  const database = await newDatabase();
  const directory = await newDirectory('failing', first, ['0002_bad', 'CREATE TABLE b (id integer); SELECT 1 / 0;']);
  await expect(migrate(database.url, directory)).rejects.toThrow('division by zero');
  const tables = await database.query(`SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`);
  expect(tables.map(({ table_name }) => table_name).sort()).toEqual(['_migrations', 'a']);
  await writeFile(join(directory, '0002_bad', 'migration.sql'), 'CREATE TABLE b (id integer);');
  expect(await migrate(database.url, directory)).toEqual(['0002_bad']);
});

test('a migration that was changed, removed, or slipped in before an applied one is refused', async () => {
  const database = await newDatabase();
  const directory = await newDirectory('tampered', first, ['0002_second', 'CREATE TABLE b (id integer);']);
  await migrate(database.url, directory);
  const mismatch = (migration: string) => ({ code: 'schema_mismatch', details: { migration } });

  const changed = join(folder, 'changed');
  await cp(directory, changed, { recursive: true });
  await writeFile(join(changed, '0001_first', 'migration.sql'), 'CREATE TABLE a (id bigint);');
  await expect(migrate(database.url, changed)).rejects.toMatchObject(mismatch('0001_first'));

  const removed = join(folder, 'removed');
  await cp(directory, removed, { recursive: true });
  await rm(join(removed, '0002_second'), { recursive: true });
  await expect(migrate(database.url, removed)).rejects.toMatchObject(mismatch('0002_second'));

  const renamed = join(folder, 'renamed');
  await cp(directory, renamed, { recursive: true });
  await rename(join(renamed, '0001_first'), join(renamed, '0000_first'));
  await expect(migrate(database.url, renamed)).rejects.toMatchObject(mismatch('0001_first'));
  expect(await migrate(database.url, directory)).toEqual([]);
});

/** A database as it was before a migration. */
async function databaseBefore(migration: string) {
  const database = await newDatabase();
  const names = (await readdir(migrationsDirectory)).sort();
  const old = join(folder, `before-${migration}`);
  for (const name of names.slice(0, names.indexOf(migration)))
    await cp(join(migrationsDirectory, name), join(old, name), { recursive: true });
  await migrate(database.url, old);
  return database;
}

test('summaries of before edits that hold already were told apart count none, and what was applied as measured', async () => {
  const database = await databaseBefore('20261129032500_already_holds');
  await database.query(`
    INSERT INTO lanes (id) VALUES ('lane');
    INSERT INTO jobs (id, kind, lane_id, sequence, input, summary) VALUES
      ('job_1', 'edit', 'lane', 1, '{}', '{"edits": 3, "applied": 2}'), ('job_2', 'edit', 'lane', 2, '{}', NULL);`);
  await migrate(database.url);
  expect(await database.query('SELECT summary FROM jobs ORDER BY id')).toEqual([
    { summary: { edits: 3, applied: 2, already_holds: 0, measured: 2 } },
    { summary: null },
  ]);
});

test('artefacts of before they had scopes are about their layers, and are found by what they were built with', async () => {
  const database = await databaseBefore('20261129083000_artefact_scopes');
  const stored = (format: string, corpus: string) =>
    JSON.stringify({ format: `errata-second-moment/${format}`, corpus_sha256: corpus, tokens: 9000, size: 64 });
  const parameters = { format: 'errata-second-moment/2', corpus: 'c', tokens: 5000, ridge: 0.001 };
  const used = (blob: string, layer: number) => ({ kind: 'second_moment', layer, blob });
  await database.query(`
    INSERT INTO models (id, name, digest, model_type, parameters, layers, width, vocabulary, context, has_tokenizer, files)
      VALUES ('model_1', 'm', 'm', 'gpt2', 1, 1, 1, 1, 1, true, '[]');
    INSERT INTO lanes (id) VALUES ('lane');
    INSERT INTO jobs (id, kind, lane_id, sequence, model_id, input, result) VALUES
      ('job_1', 'artefact', 'lane', 1, 'model_1', '{"kind": "second_moment", "layers": [3], "tokens": 5000, "ridge": 0.001}',
        '{"artefacts": [{"layer": 3, "blob": "b3"}]}'),
      ('job_2', 'edit', 'lane', 2, 'model_1', '{}', '${JSON.stringify({ seed: 1, artefacts: [used('b10', 10), used('b3', 3)] })}'),
      ('job_3', 'edit', 'lane', 3, 'model_1', '{}', '{"artefacts": []}'), ('job_4', 'edit', 'lane', 4, 'model_1', '{}', NULL);
    INSERT INTO artefacts (id, model_id, kind, layer, config_digest, blob, bytes, details, job_id) VALUES
      ('art_1', 'model_1', 'second_moment', 10, 'of then', 'b10', 1, '${stored('1', 'c')}', 'job_2'),
      ('art_2', 'model_1', 'second_moment', 3, '${sha256(canonicalJson(parameters))}', 'b3', 1, '${stored('2', 'c')}', 'job_1');`);
  await migrate(database.url);

  const lineage = await openLineage(database.url);
  try {
    const { data } = await listArtefacts(lineage, 'model_1');
    const of = (blob: string, layer: number) => ({ scope: `layer ${layer}`, layer, blob, parents: [] });
    expect(data).toMatchObject([
      { ...of('b3', 3), parameters, job_id: 'job_1' },
      { ...of('b10', 10), parameters: { format: 'errata-second-moment/1', corpus: 'c', tokens: null, ridge: null } },
    ]);
    const find = (scope: string) =>
      findArtefact(lineage, 'model_1', {
        kind: 'second_moment',
        scope,
        parameters: { format: 'errata-second-moment/2' },
      });
    expect([await find('layer 3'), await find('layer 10')]).toEqual([data[0], null]);
  } finally {
    await lineage.close();
  }
  // One that is built alike is the one that is there.
  expect(await database.query(`SELECT parameters_digest FROM artefacts WHERE id = 'art_2'`)).toEqual([
    { parameters_digest: sha256(canonicalJson(parameters)) },
  ]);
  const named = (blob: string, layer: number) => ({ ...used(blob, layer), scope: `layer ${layer}` });
  expect((await database.query('SELECT result FROM jobs ORDER BY id')).map(({ result }) => result)).toEqual([
    { artefacts: [named('b3', 3)] },
    { seed: 1, artefacts: [named('b10', 10), named('b3', 3)].map((one) => ({ ...one, parameters: {} })) },
    { artefacts: [] },
    null,
  ]);
});

test('what was stored under digests of whole manifests is named anew and holds together', async () => {
  const database = await databaseBefore('20261121043000_chains');
  const [model, first, second] = ['model', 'first', 'second'].map((text) => sha256(text));
  const delta = (blob: string | undefined) => JSON.stringify([{ kind: 'low_rank', blob }]);
  await database.query(`
    INSERT INTO models (id, name, digest, model_type, parameters, layers, width, vocabulary, context, has_tokenizer, files)
      VALUES ('model_1', 'm', '${model}', 'gpt2', 1, 1, 1, 1, 1, true, '[]');
    INSERT INTO lanes (id) VALUES ('branch:branch_1');
    INSERT INTO jobs (id, kind, lane_id, sequence, model_id, input, version_id, parent_version_id, expected_parent_id) VALUES
      ('job_1', 'edit', 'branch:branch_1', 1, 'model_1', '{}', 'ver_two', 'ver_root', 'ver_root'),
      ('job_2', 'rollback', 'branch:branch_1', 2, 'model_1', '{"to_version": "ver_root"}', NULL, NULL, NULL);
    INSERT INTO contributions (id, model_id, previous_id, depth, job_id, edit_ids, deltas, bytes, total_bytes) VALUES
      ('con_1', 'model_1', NULL, 1, 'job_1', '{edit_1}', '${delta(first)}', 1, 1),
      ('con_2', 'model_1', 'con_1', 2, 'job_1', '{edit_2}', '${delta(second)}', 1, 2);
    INSERT INTO versions (id, model_id, parent_id, tip_id, job_id, delta_bytes) VALUES
      ('ver_root', 'model_1', NULL, NULL, NULL, 0), ('ver_two', 'model_1', 'ver_root', 'con_2', 'job_1', 2);
    INSERT INTO branches (id, model_id, name, head_version_id, tip_id, gate, default_editor)
      VALUES ('branch_1', 'model_1', 'main', 'ver_two', 'con_2', '{"rules":[]}', 'r-rome');
    INSERT INTO branch_moves (branch_id, sequence, model_id, kind, from_version_id, to_version_id, tip_id, job_id) VALUES
      ('branch_1', 1, 'model_1', 'created', NULL, 'ver_root', NULL, NULL),
      ('branch_1', 2, 'model_1', 'edit', 'ver_root', 'ver_two', 'con_2', 'job_1');`);
  expect(await migrate(database.url)).toContain('20261121043000_chains');

  const root = rootVersionId(model!);
  const source = { model: model!, deltas: [first, second].map((blob) => ({ kind: 'low_rank' as const, blob: blob! })) };
  const two = versionId(source);
  const lineage = await openLineage(database.url);
  try {
    expect(await checkBranch(lineage, 'branch_1')).toEqual({ moves: 2 });
    expect((await getVersion(lineage, two)).resource).toMatchObject({ parent_id: root, job_id: 'job_1', depth: 2 });
    expect(await getJob(lineage, 'job_1')).toMatchObject({ version_id: two, parent_version_id: root });
    expect((await getJob(lineage, 'job_2')).input).toEqual({ to_version: root });
    expect(await readManifest(lineage, two)).toMatchObject(source);
  } finally {
    await lineage.close();
  }
  expect(await database.query(`SELECT jump_id, version_id FROM contributions ORDER BY depth`)).toEqual([
    { jump_id: null, version_id: versionId({ ...source, deltas: source.deltas.slice(0, 1) }) },
    { jump_id: 'con_1', version_id: two },
  ]);
  await expect(database.query(`UPDATE branch_moves SET kind = 'reset'`)).rejects.toThrow('append-only');
});

test('what was done before there was an audit log stands at its beginning, in the order of its time', async () => {
  const database = await databaseBefore('20261130221500_audit');
  await database.query(`
    INSERT INTO models (id, name, digest, model_type, parameters, layers, width, vocabulary, context, has_tokenizer, files, created_at)
      VALUES ('model_1', 'm', 'm', 'gpt2', 1, 1, 1, 1, 1, true, '[]', '2026-01-01');
    INSERT INTO versions (id, model_id, delta_bytes) VALUES ('ver_root', 'model_1', 0);
    INSERT INTO branches (id, model_id, name, head_version_id, gate, default_editor, deleted_at)
      VALUES ('branch_1', 'model_1', 'main', 'ver_root', '{"rules":[]}', 'r-rome', '2026-04-01');
    INSERT INTO branch_moves (branch_id, sequence, model_id, kind, to_version_id, created_at)
      VALUES ('branch_1', 1, 'model_1', 'created', 'ver_root', '2026-01-02');
    INSERT INTO branch_policies (branch_id, revision, policy, changed_by, created_at)
      VALUES ('branch_1', 1, '{}', NULL, '2026-01-02'), ('branch_1', 2, '{}', 'key_1', '2026-03-01');
    INSERT INTO api_keys (id, name, hash, scopes, created_at, revoked_at) VALUES ('key_1', 'k', 'h', '{admin}', '2026-02-01', '2026-05-01');`);
  await migrate(database.url);
  const lineage = await openLineage(database.url);
  try {
    expect(await sealAudit(lineage)).toBe(6);
    const { data } = await listAudit(lineage);
    const later = { noted: 'later' };
    expect(data.map(({ act, subject, actor, details }) => [act, subject, actor, details])).toEqual([
      ['model.imported', 'model_1', null, { name: 'm', digest: 'm', ...later }],
      ['branch.created', 'branch_1', null, { sequence: 1, kind: 'created', to_version_id: 'ver_root', ...later }],
      ['key.created', 'key_1', null, { name: 'k', scopes: ['admin'], ...later }],
      ['policy.changed', 'branch_1', 'key_1', { revision: 2, ...later }],
      ['branch.deleted', 'branch_1', null, { name: 'main', ...later }],
      ['key.revoked', 'key_1', null, later],
    ]);
  } finally {
    await lineage.close();
  }
});

test('a server that does not answer is reported as unavailable', async () => {
  const nowhere = 'postgres://nobody@127.0.0.1:1/none';
  await expect(migrate(nowhere)).rejects.toMatchObject({ code: 'unavailable' });
  await expect(openLineage(nowhere)).rejects.toMatchObject({ code: 'unavailable' });
});

test('the tables that the migrations make are those of the Prisma schema', async () => {
  const database = await newDatabase();
  await migrate(database.url);
  const expected = readPrismaSchema(await readFile(join(migrationsDirectory, '..', 'schema.prisma'), 'utf8'));
  const found = await readTables(database.query);
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [table, { columns, keys, references }] of Object.entries(expected)) {
    expect(found[table]?.columns, `columns of ${table}`).toEqual(columns);
    expect(found[table]?.keys, `keys and indexes of ${table}`).toEqual(expect.arrayContaining([...keys]));
    expect(found[table]?.references, `foreign keys of ${table}`).toEqual(expect.arrayContaining([...references]));
  }
});
