// What models use is counted as it grows, exactly, whoever does what at once.
import { defaultProject } from '@errata/contracts';
import { afterAll, expect, test } from 'vitest';
import { auditLineage, getProject } from '../index.ts';
import { edit, importModel, madeEdit, openFixture, submitEdits } from '../lineage.fixture.ts';

const fixture = await openFixture();
const { db, query } = fixture;
afterAll(fixture.close);

const problems = async () => {
  const found: unknown[] = [];
  for await (const step of auditLineage(db)) if ('problem' in step) found.push(step.problem);
  return found;
};

test('bytes of deltas, artefacts and snapshots that come and go side by side', async () => {
  const models = await Promise.all(['one', 'other'].map((name) => importModel(db, name)));
  const mebibyte = 1024 ** 2;
  const artefact = (model: string, n: number) => ({
    id: `art_${model}_${n}`,
    modelId: model,
    kind: 'projector',
    scope: `layer ${n}`,
    parameters: {},
    parametersDigest: 'p',
    blob: 'b',
    bytes: mebibyte,
  });
  const before = (await getProject(db, defaultProject.id)).usage.storage_mib;
  await Promise.all(
    models.flatMap((imported) => [
      (async () => {
        for (const id of ['a', 'b', 'c']) await edit(db, imported, [`${imported.model} ${id}`]);
      })(),
      ...Array.from({ length: 20 }, async (_, n) => {
        const data = artefact(imported.model, n);
        await db.prisma.artefact.create({ data });
        // Other connections, and so other pieces, take away what these brought.
        if (n % 2 === 0) await db.prisma.artefact.delete({ where: { id: data.id } });
      }),
    ]),
  );
  const pieces = await query('SELECT DISTINCT piece FROM stored_bytes');
  expect(pieces.length).toBeGreaterThan(1);
  expect((await getProject(db, defaultProject.id)).usage.storage_mib).toBe(before + 2 * 10);
  expect(await problems()).toEqual([]);
  await expect(
    db.prisma.$transaction(async (tx) => {
      await tx.artefact.create({ data: artefact(models[0]!.model, 100) });
      throw new Error('it breaks off');
    }),
  ).rejects.toThrow('it breaks off');
  await db.prisma.artefact.deleteMany();
  expect((await getProject(db, defaultProject.id)).usage.storage_mib).toBe(before);
  expect(await problems()).toEqual([]);
});

test('edits that are asked for at once, for a day and the ten minutes in which they were', async () => {
  await importModel(db, 'asked');
  const used = async () => (await getProject(db, defaultProject.id)).usage.edits_per_day;
  const before = await used();
  await Promise.all(
    Array.from({ length: 20 }, (_, n) => submitEdits(db, 'asked', [madeEdit(`${n} a`), madeEdit(`${n} b`)])),
  );
  expect(await used()).toBe(before + 40);
  expect(await problems()).toEqual([]);
  const age = async (interval: string) => {
    await query(`UPDATE jobs SET created_at = created_at - $1::interval`, [interval]);
    await query(`UPDATE asked_edits SET since = since - $1::interval`, [interval]);
  };
  await age('23 hours 59 minutes');
  expect(await used()).toBe(before + 40);
  await age('15 minutes');
  expect(await used()).toBe(0);
  await age('2 days');
  await submitEdits(db, 'asked', [madeEdit('later')]);
  expect(await used()).toBe(1);
});
