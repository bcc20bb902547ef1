// Names of versions: one name is one thing, tags stay, aliases move and keep every move, branches come back as they were.
import { scheduleRequestSchema } from '@errata/contracts';
import { afterAll, expect, test } from 'vitest';
import {
  activeEdits,
  aliasHistory,
  branchLog,
  createBranch,
  createSchedule,
  createSuite,
  createTag,
  deleteAlias,
  deleteBranch,
  deleteTag,
  findServed,
  getAlias,
  getBranch,
  getModel,
  getSchedule,
  getSuite,
  getTag,
  listAliases,
  listBranches,
  listTags,
  resolveReference,
  restoreBranch,
  setAlias,
  sourceAt,
} from '../index.ts';
import { edit, importModel, openFixture } from '../lineage.fixture.ts';

const fixture = await openFixture();
const { db, query } = fixture;
afterAll(fixture.close);

test('a name stands for a branch, an alias, a tag or a version, and for one of them only', async () => {
  const { model, root, lane } = await importModel(db, 'named');
  const first = await edit(db, { model, lane }, ['a']);
  await createTag(db, model, { name: 'v1', version: first.version.slice(0, 20), message: 'the first' });
  await setAlias(db, model, 'production', { version: 'v1' });
  const second = await edit(db, { model, lane }, ['b']);
  const places = { main: second, v1: first, production: first };
  const { digest, name: modelName } = (await getModel(db, model)).resource;
  for (const [name, { version }] of Object.entries(places)) {
    const { tip, ...named } = await resolveReference(db, model, name);
    expect(named).toMatchObject({ name, version });
    // What completions are asked of is found at once, and is the same.
    const found = { version, tip, source: await sourceAt(db, digest, tip), model: { resource: { id: model } } };
    for (const asked of [model, modelName]) expect(await findServed(db, asked, name)).toMatchObject(found);
  }
  await expect(findServed(db, model, 'staging')).rejects.toMatchObject({ code: 'unknown_reference' });
  await expect(findServed(db, 'nobody', 'main')).rejects.toMatchObject({ code: 'unknown_model' });
  expect(await resolveReference(db, model, first.version.slice(0, 16))).toMatchObject({
    kind: 'version',
    name: first.version,
  });
  await expect(resolveReference(db, model, 'staging')).rejects.toMatchObject({ code: 'unknown_reference' });

  const taken = { code: 'name_taken' };
  for (const name of ['main', 'v1', 'production']) {
    await expect(createBranch(db, model, { name, from: 'main' })).rejects.toMatchObject(taken);
    await expect(createTag(db, model, { name, version: 'main' })).rejects.toMatchObject(taken);
    if (name !== 'production')
      await expect(setAlias(db, model, name, { version: 'main' })).rejects.toMatchObject(taken);
  }
  // Whatever names a version can be branched from, and brings its edits along.
  const branch = await createBranch(db, model, { name: 'hotfix', from: 'production' });
  expect(branch.head).toBe(first.version);
  expect((await activeEdits(db, branch.id)).map(({ custom_id }) => custom_id)).toEqual(['a']);
  expect((await createTag(db, model, { name: 'v0', version: root })).version_id).toBe(root);
});

test('an alias writes down where it was, who moved it and why; setting it where it is writes nothing', async () => {
  const { model, root, lane } = await importModel(db, 'aliased');
  const { version } = await edit(db, { model, lane }, ['a']);
  const set = (reference: string, more = {}) => setAlias(db, model, 'production', { version: reference, ...more });
  await expect(set(root, { if_version_id: version })).rejects.toMatchObject({ code: 'stale_alias' });
  const created = await set(root, { if_version_id: null, reason: 'launch', moved_by: 'key_a' });
  expect(created).toMatchObject({ name: 'production', version_id: root, sequence: 1 });
  expect(await set(root)).toEqual(created);
  await expect(set('main', { if_version_id: null })).rejects.toMatchObject({
    code: 'stale_alias',
    details: { version_id: root, if_version_id: null },
  });
  expect(await set('main', { if_version_id: root, moved_by: 'key_b' })).toMatchObject({ version_id: version });
  await edit(db, { model, lane }, ['b']);
  expect(await getAlias(db, model, 'production'), 'it does not follow the branch').toMatchObject({
    version_id: version,
  });
  await deleteAlias(db, model, 'production', { reason: 'withdrawn', moved_by: 'key_a' });
  await expect(getAlias(db, model, 'production')).rejects.toMatchObject({ code: 'unknown_alias' });
  await expect(deleteAlias(db, model, 'production')).rejects.toMatchObject({ code: 'unknown_alias' });
  await expect(resolveReference(db, model, 'production')).rejects.toMatchObject({ code: 'unknown_reference' });
  expect((await listAliases(db, model)).data).toEqual([]);
  await set(version);

  const first = await aliasHistory(db, model, 'production', { limit: 3 });
  const rest = await aliasHistory(db, model, 'production', { limit: 3, after: first.next_cursor ?? '' });
  const moves = [...first.data, ...rest.data];
  expect(
    moves.map(({ sequence, kind, from_version, to_version }) => [sequence, kind, from_version, to_version]),
  ).toEqual([
    [4, 'restored', null, version],
    [3, 'deleted', version, null],
    [2, 'moved', root, version],
    [1, 'created', null, root],
  ]);
  expect(moves[2]).toMatchObject({ target: 'main', moved_by: 'key_b', reason: null });
  expect(moves[3]).toMatchObject({ target: root, moved_by: 'key_a', reason: 'launch' });
  for (const statement of [`UPDATE alias_moves SET reason = 'x'`, 'DELETE FROM alias_moves'])
    await expect(query(statement)).rejects.toThrow('append-only');
});

test('of many who move an alias at once, each move is written down once, in one order', async () => {
  const { model, root, lane } = await importModel(db, 'contended');
  const { version } = await edit(db, { model, lane }, ['a']);
  // Whoever waited while the first made it is the one who may be mistaken: there are many firsts.
  for (let round = 0; round < 20; round++) {
    const alias = `production-${round}`;
    const moves = Array.from({ length: 16 }, (_, index) =>
      setAlias(db, model, alias, { version: index % 2 === 0 ? root : version }),
    );
    await Promise.all(moves);
    const { data } = await aliasHistory(db, model, alias, { limit: 100 });
    const story = [...data].reverse();
    expect(story.map(({ sequence }) => sequence)).toEqual(story.map((_, index) => index + 1));
    for (const [index, move] of story.entries()) expect(move.from_version).toBe(story[index - 1]?.to_version ?? null);
    const last = { version_id: data[0]?.to_version, sequence: data[0]?.sequence };
    expect(await getAlias(db, model, alias)).toMatchObject(last);
  }
  // Compare and swap: of those who saw the same place, one moves it.
  const { version_id } = await setAlias(db, model, 'production', { version });
  const other = version_id === root ? version : root;
  const swaps = await Promise.allSettled(
    Array.from({ length: 8 }, () => setAlias(db, model, 'production', { version: other, if_version_id: version_id })),
  );
  expect(swaps.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('a tag stays where it was put, and its name is free once it is deleted', async () => {
  const { model, root, lane } = await importModel(db, 'tagged');
  const tag = await createTag(db, model, { name: 'v1', version: 'main', created_by: 'key_a' });
  const { version } = await edit(db, { model, lane }, ['a']);
  expect(await getTag(db, model, 'v1')).toEqual(tag);
  expect(tag).toMatchObject({ version_id: root, created_by: 'key_a', message: null });
  await expect(query(`UPDATE tags SET version_id = $1`, [version])).rejects.toThrow('append-only');
  await deleteTag(db, model, 'v1');
  await expect(getTag(db, model, 'v1')).rejects.toMatchObject({ code: 'unknown_tag' });
  await createTag(db, model, { name: 'v1', version: 'main' });
  expect((await listTags(db, model)).data.map(({ name, version_id }) => [name, version_id])).toEqual([['v1', version]]);
});

test('a deleted branch comes back with its head and its history', async () => {
  const { model, lane } = await importModel(db, 'restored');
  await edit(db, { model, lane }, ['a']);
  const side = await createBranch(db, model, { name: 'side', from: 'main' });
  const committed = await edit(db, { model, lane: `branch:${side.id}` }, ['b'], { branch: 'side' });
  const before = { branch: await getBranch(db, model, 'side'), log: await branchLog(db, side.id) };
  await deleteBranch(db, model, 'side');
  expect((await listBranches(db, model)).data.map(({ name }) => name)).toEqual(['main']);
  const [deleted] = (await listBranches(db, model, { deleted: true })).data;
  expect(deleted).toMatchObject({ id: side.id, name: 'side', head: committed.version });
  expect(deleted?.deleted_at).not.toBeNull();

  // Its name went to another meanwhile.
  await createBranch(db, model, { name: 'side', from: 'main' });
  await expect(restoreBranch(db, model, side.id)).rejects.toMatchObject({ code: 'name_taken' });
  await deleteBranch(db, model, 'side');
  expect(await restoreBranch(db, model, side.id)).toEqual(before.branch);
  expect(await branchLog(db, side.id)).toEqual(before.log);
  await expect(restoreBranch(db, model, side.id)).rejects.toMatchObject({ code: 'unknown_branch' });
});

test('a branch begins with the policy of where it is made from; of a version, with that of the most guarded branch that has been there', async () => {
  const { model, lane, root } = await importModel(db, 'inherited');
  const first = await edit(db, { model, lane }, ['a']);
  const gate = { rules: [{ metric: 'locality' as const, min: 0.9 }] };
  const strict = { gate, approval_hours: 24, auto_rollback: 'reset' as const };
  await createBranch(db, model, { name: 'strict', from: 'main', ...strict });
  const made = (name: string, from: string, own = {}) => createBranch(db, model, { name, from, ...own });
  const { gate: usual } = await getBranch(db, model, 'main');
  expect(await made('of-main', 'main')).toMatchObject({ gate: usual, approval: 'none', policy_revision: 1 });
  expect(await made('of-strict', 'strict')).toMatchObject(strict);
  expect(await made('own-hours', 'strict', { approval_hours: 1 })).toMatchObject({ ...strict, approval_hours: 1 });

  // The oldest has been there first; then one that asks for approvals, then one that is protected.
  await createTag(db, model, { name: 'v1', version: first.version });
  await setAlias(db, model, 'production', { version: first.version });
  const ways = ['v1', 'production', first.version, first.version.slice(0, 16)];
  for (const [index, from] of ways.entries()) expect(await made(`a${index}`, from)).toMatchObject({ gate: usual });
  await made('approved', 'strict', { approval: 'required' });
  for (const [index, from] of ways.entries())
    expect(await made(`b${index}`, from)).toMatchObject({ ...strict, approval: 'required', protected: false });
  await made('kept', 'main', { protected: true });
  for (const [index, from] of ways.entries()) expect(await made(`c${index}`, from)).toMatchObject({ protected: true });
  expect(await made('d', root)).toMatchObject({ approval: 'none', protected: false });
});

test('of what was named like the id of another before that was refused, the id wins', async () => {
  const one = await importModel(db, 'one');
  const other = await importModel(db, 'other');
  await query('UPDATE models SET name = $2 WHERE id = $1', [other.model, one.model]);
  // The database finds what was written last, last.
  await query('UPDATE models SET name = name WHERE id = $1', [one.model]);
  expect((await getModel(db, one.model)).resource.name).toBe('one');
  expect((await getModel(db, other.model)).resource.name).toBe(one.model);

  const probe = { kind: 'probe' as const, probe: { custom_id: 'a', prompt: 'a' } };
  const first = await createSuite(db, { name: 'first', cases: [probe], created_by: null });
  await createSuite(db, { name: first.id, cases: [probe], created_by: null });
  expect((await getSuite(db, first.id)).name).toBe('first');

  const { model: _, branch: __, ...asked } = scheduleRequestSchema.parse({ name: 'x', model: 'one', when_pending: 1 });
  const schedule = (name: string) => createSchedule(db, { ...asked, name, branch_id: one.branch, owner: null });
  const [early, late] = [await schedule('early'), await schedule('late')];
  await query('UPDATE schedules SET name = $2 WHERE id = $1', [late.id, early.id]);
  await query('UPDATE schedules SET name = name WHERE id = $1', [early.id]);
  expect((await getSchedule(db, early.id)).name).toBe('early');

  const [here, there] = [
    await createBranch(db, one.model, { name: 'here', from: 'main' }),
    await createBranch(db, one.model, { name: 'there', from: 'main' }),
  ];
  for (const { name } of [here, there]) await deleteBranch(db, one.model, name);
  await query('UPDATE branches SET name = $2 WHERE id = $1', [there.id, here.id]);
  expect((await restoreBranch(db, one.model, here.id)).name).toBe('here');
});
