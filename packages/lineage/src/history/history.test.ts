// History is written once, and damage to it is found.
import { afterAll, expect, test } from 'vitest';
import { branchLog, checkBranch, getVersion, listVersions, versionLineage } from '../index.ts';
import { edit, importModel, openFixture } from '../lineage.fixture.ts';

const fixture = await openFixture();
const { db, query } = fixture;
afterAll(fixture.close);

test('the database refuses to rewrite moves, events, deltas and versions', async () => {
  const imported = await importModel(db, 'written-once');
  await edit(db, imported, ['a']);
  for (const statement of [
    `UPDATE branch_moves SET kind = 'reset'`,
    'DELETE FROM branch_moves',
    `UPDATE events SET type = 'x'`,
    'DELETE FROM events',
    `UPDATE contributions SET deltas = '[]'`,
    'DELETE FROM contributions',
    'UPDATE versions SET parent_id = NULL',
  ]) {
    await expect(query(statement), statement).rejects.toThrow('append-only');
  }
});

test('a head put elsewhere and a changed delta are found', async () => {
  const imported = await importModel(db, 'damaged');
  await edit(db, imported, ['a']);
  const { version } = await edit(db, imported, ['b']);
  expect(await checkBranch(db, imported.branch)).toEqual({ moves: 3 });
  await query('UPDATE branches SET head_version_id = $1 WHERE id = $2', [imported.root, imported.branch]);
  await expect(checkBranch(db, imported.branch)).rejects.toThrow('its head is not where its last move went');
  await query('UPDATE branches SET head_version_id = $1 WHERE id = $2', [version, imported.branch]);

  await query('ALTER TABLE contributions DISABLE TRIGGER append_only');
  await query(`UPDATE contributions SET deltas = '[]' WHERE model_id = $1 AND depth = 2`, [imported.model]);
  await query('ALTER TABLE contributions ENABLE TRIGGER append_only');
  await expect(checkBranch(db, imported.branch)).rejects.toThrow('move 3 leads to');
});

test('the log and the versions come in pages, newest first; the lineage goes up to the root', async () => {
  const imported = await importModel(db, 'logged');
  const versions = [imported.root];
  for (const id of ['a', 'b', 'c']) versions.unshift((await edit(db, imported, [id])).version);
  const first = await branchLog(db, imported.branch, { limit: 2 });
  const second = await branchLog(db, imported.branch, { limit: 2, after: first.next_cursor ?? '' });
  expect([...first.data, ...second.data].map(({ to_version }) => to_version)).toEqual(versions);
  expect([first.has_more, second.has_more]).toEqual([true, false]);
  expect(first.data[1]?.edits.map(({ custom_id }) => custom_id)).toEqual(['b']);
  const page = await listVersions(db, imported.model, { limit: 3 });
  const rest = await listVersions(db, imported.model, { limit: 3, after: page.next_cursor ?? '' });
  expect([...page.data, ...rest.data].map(({ id }) => id)).toEqual(versions);
  const line = await versionLineage(db, page.data[0]!);
  expect(line.map(({ id }) => id)).toEqual(versions);
});

test('a prefix finds a version when only one has it', async () => {
  const imported = await importModel(db, 'prefixed');
  const { version } = await edit(db, imported, ['a']);
  expect((await getVersion(db, version, imported.model)).resource).toMatchObject({ id: version, depth: 1 });
  for (const prefix of ['ver_', 'ver_zz', version.slice(4), 'ver_%%%%', `${version}0`]) {
    await expect(getVersion(db, prefix)).rejects.toMatchObject({ code: 'unknown_version' });
  }
});
