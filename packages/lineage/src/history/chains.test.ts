// Chains of contributions: what a link stands for, how far back it reaches, where two part, and what a snapshot saves.
import { rootVersionId, sha256, versionId } from '@errata/contracts';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import {
  type Contribution,
  compareChains,
  dropSnapshots,
  findServed,
  type Ground,
  groundAt,
  manifestOf,
  readChain,
  recordSnapshot,
  sourceAt,
  tipOfVersion,
  touchSnapshot,
  upon,
  usedSnapshotsKept,
} from '../index.ts';
import { edit, importModel, openFixture } from '../lineage.fixture.ts';
import { writeChain } from './contributions.ts';

const fixture = await openFixture();
const { db, query } = fixture;
afterAll(fixture.close);

const imported = await importModel(db, 'chained');
const { job } = await edit(db, imported, ['first']);
const { digest } = await db.prisma.model.findUniqueOrThrow({ where: { id: imported.model } });
const model = { id: imported.model, digest };

let made = 0;
const contribution = (deltas = 1): Contribution => ({
  job_id: job,
  edit_ids: [`edit ${made}`],
  deltas: Array.from({ length: deltas }, () => ({ kind: 'low_rank' as const, blob: sha256(`delta ${made++}`) })),
  bytes: 10,
});
const grow = async (after: string | null, count: number) =>
  db.prisma.$transaction((tx) =>
    writeChain(tx, model, { after, added: Array.from({ length: count }, () => contribution(1 + (made % 3))) }),
  );
const at = async (tip: string | null, depth: number) =>
  (await query('SELECT chain_at($1, $2) AS link', [tip, depth]))[0]?.link;

test('every link of chains that fork is found by its depth, and every two chains meet where they parted', async () => {
  const fork = fc.record({ from: fc.double({ min: 0, max: 1, noNaN: true }), links: fc.integer({ min: 1, max: 40 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(fork, { minLength: 2, maxLength: 4 }), async (forks) => {
      const chains: (readonly string[])[] = [[]];
      for (const { from, links } of forks) {
        const trunk = chains.at(-1)!;
        const kept = trunk.slice(0, Math.round(from * trunk.length));
        const { tip, version } = await grow(kept.at(-1) ?? null, links);
        const chain = await readChain(db, tip);
        expect(chain.slice(0, kept.length).map(({ id }) => id)).toEqual(kept);
        expect(chain.map(({ depth }) => depth)).toEqual(chain.map((_, index) => index + 1));
        expect(version).toBe(versionId(manifestOf(digest, chain)));
        expect(chain.at(-1)?.version).toBe(version);
        chains.push(chain.map(({ id }) => id));
      }
      for (const chain of chains.slice(1)) {
        const tip = chain.at(-1)!;
        const found = await query('SELECT depth, chain_at($1, depth) AS link FROM generate_series(0, $2) AS depth', [
          tip,
          chain.length + 1,
        ]);
        expect(found.map(({ link }) => link)).toEqual([null, ...chain, null]);
      }
      for (const one of chains) {
        for (const other of chains) {
          const shared = one.filter((id, index) => other[index] === id);
          const { added, removed } = await compareChains(db, one.at(-1) ?? null, other.at(-1) ?? null);
          expect(added.map(({ id }) => id)).toEqual(other.slice(shared.length));
          expect(removed.map(({ id }) => id)).toEqual(one.slice(shared.length));
        }
      }
    }),
    { numRuns: 12 },
  );
});

test('the way back along a thousand links is a few steps', async () => {
  const { tip } = await grow(null, 1000);
  const path = await query(
    `WITH RECURSIVE path AS (SELECT id, depth, jump_id FROM contributions WHERE id = $1
      UNION ALL SELECT far.id, far.depth, far.jump_id FROM contributions far JOIN path ON far.id = path.jump_id)
     SELECT depth FROM path`,
    [tip],
  );
  expect(path.length).toBeLessThan(15);
  const chain = await readChain(db, tip);
  for (const depth of [1, 2, 511, 512, 700, 999, 1000]) expect(await at(tip, depth)).toBe(chain[depth - 1]?.id);
  expect((await readChain(db, tip, null, 3)).map(({ depth }) => depth)).toEqual([998, 999, 1000]);
  expect((await readChain(db, tip, chain[997]?.id)).map(({ depth }) => depth)).toEqual([999, 1000]);
});

const snapshotAt = async (ground: Ground) => {
  const version = versionId(ground.source);
  const blob = sha256(`snapshot of ${version}`);
  const measured = { bytes: 1000, replay_ms: 30, load_ms: 3 };
  await recordSnapshot(db, { model_id: model.id, tip: ground.after!, version, blob, ...measured });
  return { version, blob };
};

test('a version is opened from the nearest snapshot behind it, and is the same version', async () => {
  const { tip: five } = await grow(null, 5);
  const { tip: nine, version } = await grow(five, 4);
  const whole = await sourceAt(db, digest, nine);
  expect(whole.snapshot).toBeUndefined();
  expect(versionId(whole)).toBe(version);

  const first = await snapshotAt(await groundAt(db, digest, five));
  const folded = await sourceAt(db, digest, nine);
  expect(folded.snapshot).toEqual(first);
  expect(folded.deltas).toEqual(whole.deltas.slice(-folded.deltas.length));
  expect(versionId(folded)).toBe(version);
  expect(await sourceAt(db, digest, five)).toEqual({ model: digest, snapshot: first, deltas: [] });

  const [main] = await query('SELECT id, tip_id FROM branches WHERE model_id = $1', [model.id]);
  const moveTo = (tip: unknown) => query('UPDATE branches SET tip_id = $1 WHERE id = $2', [tip, main!.id]);
  await moveTo(nine);
  expect((await findServed(db, model.id, 'main')).source).toEqual(folded);
  await moveTo(main!.tip_id);

  const second = await snapshotAt(await groundAt(db, digest, nine));
  expect(await sourceAt(db, digest, nine)).toEqual({ model: digest, snapshot: second, deltas: [] });
  // Noted twice, it is there once; its loss costs nothing but time.
  await snapshotAt(await groundAt(db, digest, nine));
  expect([await dropSnapshots(db, second.blob), await dropSnapshots(db, second.blob)]).toEqual([true, false]);
  expect(await sourceAt(db, digest, nine)).toEqual(folded);
  expect(await sourceAt(db, digest, null)).toEqual({ model: digest, deltas: [] });
});

test('what is built on a snapshot continues the chain, whatever was folded', async () => {
  const { tip } = await grow(null, 3);
  const before = await groundAt(db, digest, tip);
  await snapshotAt(before);
  const more = [contribution(2), contribution()];
  const [plain, folded] = [upon(before, more), upon(await groundAt(db, digest, tip), more)];
  expect(folded.source.snapshot).toBeDefined();
  expect(versionId(folded.source)).toBe(versionId(plain.source));
  const written = await db.prisma.$transaction((tx) => writeChain(tx, model, folded));
  expect(written).toMatchObject({ version: versionId(plain.source), bytes: 50 });
  expect(await db.prisma.$transaction((tx) => writeChain(tx, model, { after: null, added: [] }))).toEqual({
    tip: null,
    version: rootVersionId(digest),
    bytes: 0,
  });
});

test('snapshots thin out behind the end of a chain, but the one that a branch opens from stays', async () => {
  const lone = await importModel(db, 'thinned');
  const start = await edit(db, lone, ['a']);
  const { digest: own } = await db.prisma.model.findUniqueOrThrow({ where: { id: lone.model } });
  const note = async (tip: string) => {
    const version = versionId(await sourceAt(db, own, tip));
    const measured = { bytes: 1, replay_ms: 1, load_ms: 1 };
    await recordSnapshot(db, { model_id: lone.model, tip, version, blob: sha256(version), ...measured });
  };
  const depths = async () =>
    (await query('SELECT depth FROM snapshots WHERE model_id = $1 ORDER BY depth', [lone.model])).map(
      ({ depth }) => depth as number,
    );
  const { tipId } = await db.prisma.branch.findUniqueOrThrow({ where: { id: lone.branch } });
  expect(start.version).toBe(versionId(await sourceAt(db, own, tipId)));
  await note(tipId!);
  let tip = tipId;
  const kept: number[] = [];
  for (let step = 0; step < 60; step++) {
    const added = Array.from({ length: 10 }, () => ({ ...contribution(), job_id: start.job }));
    ({ tip } = await db.prisma.$transaction((tx) =>
      writeChain(tx, { id: lone.model, digest: own }, { after: tip, added }),
    ));
    await note(tip!);
    kept.push((await depths()).length);
  }
  const left = await depths();
  // The head of the branch is at depth 1; the chain has gone on without it.
  expect([left[0], left.at(-1)]).toEqual([1, 601]);
  expect(Math.max(...kept)).toBeLessThanOrEqual(20);
  for (const [index, depth] of left.slice(1).entries()) {
    const distance = 601 - depth;
    expect(depth - left[index]!, `between ${left[index]} and ${depth}`).toBeLessThanOrEqual(2 * distance + 20);
  }
});

test('of versions stored whole for those who opened them, the ones used last stay, whatever the branch does', async () => {
  const lone = await importModel(db, 'visited');
  const start = await edit(db, lone, ['a']);
  const own = await db.prisma.model.findUniqueOrThrow({ where: { id: lone.model } });
  const { tipId } = await db.prisma.branch.findUniqueOrThrow({ where: { id: lone.branch } });
  const added = Array.from({ length: 60 }, () => ({ ...contribution(), job_id: start.job }));
  const { tip } = await db.prisma.$transaction((tx) => writeChain(tx, own, { after: tipId, added }));
  const chain = await readChain(db, tip);
  const note = async (depth: number, used: boolean) => {
    const { id, version } = chain[depth - 1]!;
    expect(await tipOfVersion(db, lone.model, version)).toBe(id);
    const measured = { bytes: 1, replay_ms: 1, load_ms: 1 };
    await recordSnapshot(db, { model_id: lone.model, tip: id, version, blob: sha256(version), ...measured }, { used });
    await query("UPDATE snapshots SET used_at = used_at - interval '2 minutes'");
  };
  const used = async () =>
    (
      await query('SELECT depth FROM snapshots WHERE model_id = $1 AND used_at IS NOT NULL ORDER BY depth', [
        lone.model,
      ])
    ).map(({ depth }) => depth as number);
  const from = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);
  // The branch is at depth 1, and is opened from there however long ago anybody did.
  for (const depth of from(1, usedSnapshotsKept)) await note(depth, true);
  expect(await used()).toEqual(from(1, usedSnapshotsKept));
  await touchSnapshot(db, chain[1]!.version);
  await note(40, true);
  await note(41, true);
  expect(await used()).toEqual([1, 2, ...from(4, usedSnapshotsKept - 3), 40, 41]);
  const before = await used();
  for (const depth of [45, 48, 50, 55, 60]) await note(depth, false);
  expect(await used()).toEqual(before);
  // What was made as the end of a branch does not come to be kept for its use.
  await touchSnapshot(db, chain[59]!.version);
  expect(await used()).toEqual(before);
  expect(await tipOfVersion(db, lone.model, rootVersionId(own.digest))).toBeNull();
});
