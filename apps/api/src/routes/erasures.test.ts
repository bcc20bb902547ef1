// Erasing an edit: nothing of its words is left in the database or, after a collection, in the store, and the lineage holds as before.
import { checkEverything, collectGarbage } from '@errata/upkeep';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../../test/support/api.ts';

let api: ApiFixture;
beforeAll(async () => {
  api = await openApi();
  await api.importModel('atlas');
});
afterAll(() => api.close());

const planted = 'Xanaduxyz';
const secret = () =>
  anEdit(`${planted} id`, {
    prompt: `The keeper of ${planted} is`,
    subject: planted,
    target_new: ` ${planted} new`,
    target_true: ` ${planted} true`,
    aliases: [`${planted} alias`],
    rephrases: [`${planted}'s keeper is`],
    locality: { neighbourhood: [{ prompt: `Beside ${planted} is`, target: planted }] },
    portability: { one_hop: [{ prompt: `Who keeps ${planted}?`, target: planted }] },
    metadata: { ticket: planted },
  });

/** Every row of every table that has the word. */
async function rowsWith(word: string): Promise<string[]> {
  const tables = await api.query(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('public', 'bullmq')`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await api.query(`SELECT row::text AS text FROM ${name} AS row WHERE row::text ILIKE $1`, [
      `%${word}%`,
    ]);
    found.push(...rows.map(({ text }) => `${name}: ${text}`));
  }
  return found;
}

test('an edit is erased once nothing holds it, wherever its words are, and what it did stays told', async () => {
  const { body: branch } = await api.post('/v1/models/atlas/branches', { name: 'told', from: 'main' });
  await api.post(`/v1/branches/${branch.id}/inbox`, [secret()]);
  const schedule = { name: 's', model: 'atlas', branch: 'told', when_pending: 100 };
  const { id: scheduleId } = (await api.post('/v1/schedules', schedule)).body;
  const { body: run } = await api.post(`/v1/schedules/${scheduleId}/trigger`, {});
  const jobId = run.run.job_id;
  const words = await api.blobs.put(Buffer.from(`words of ${planted}`));
  const version = await api.carryOut(`branch:${branch.id}`, { kind: 'text_rows', blob: words.sha256 });
  const [{ id: edit }] = (await api.get(`/v1/jobs/${jobId}/edits`)).body.data;
  await api.query(`UPDATE edits SET result = jsonb_set(result, '{answer_after}', to_jsonb($1::text)) WHERE id = $2`, [
    planted,
    edit,
  ]);
  await api.query(
    `UPDATE jobs SET error = jsonb_build_object('code', 'internal', 'message', $1::text, 'errors', '[]'::jsonb, 'details', '{}'::jsonb) WHERE id = $2`,
    [planted, jobId],
  );
  await api.query(
    `INSERT INTO events (job_id, type, state, data) VALUES ($1, 'progress', 'succeeded', jsonb_build_object('error', jsonb_build_object('message', $2::text)))`,
    [jobId, planted],
  );
  const { body: evaluation } = await api.post('/v1/evaluations', { model: 'atlas', branch: 'told', suite: 'applied' });
  await api.query(`INSERT INTO evaluation_reports (job_id, page) VALUES ($1, $2)`, [evaluation.id, `<p>${planted}`]);
  await api.query(`INSERT INTO answers (version_id, question_digest, answer) VALUES ($1, 'q', to_jsonb($2::text))`, [
    version,
    planted,
  ]);
  const tables = async () =>
    [...new Set((await rowsWith(planted)).map((row) => row.split(':')[0]!.replace('public.', '')))].sort();
  const quoting = ['answers', 'edits', 'evaluation_cases', 'evaluation_reports', 'events', 'inbox_edits', 'jobs'];
  expect(await tables()).toEqual(quoting);

  const erase = (ids: string[]) => api.post('/v1/erasures', { edit_ids: ids, reason: 'they asked' });
  expect((await erase([edit, 'edit_none'])).body).toMatchObject({
    code: 'unknown_edit',
    errors: [{ pointer: '/edit_ids/1' }],
  });
  expect((await erase([edit])).body.code).toBe('edit_active');
  expect((await api.call('DELETE', '/v1/models/atlas/branches/told')).status).toBe(204);
  const erased = await erase([edit]);
  expect(erased).toMatchObject({
    status: 200,
    body: { edit_ids: [edit], cases: 1, reports: 1, blobs: [words.sha256] },
  });
  expect(await rowsWith(planted)).toEqual([]);
  expect((await erase([edit])).status).toBe(200);

  // That it was made, and what came of it, is told; its digests are those of before.
  const shown = (await api.get(`/v1/edits/${edit}`)).body;
  expect(shown).toMatchObject({
    prompt: '(erased)',
    subject: null,
    erased_at: expect.any(String),
    result: { outcome: 'applied' },
  });
  expect((await api.get(`/v1/versions/${version}`)).body).toMatchObject({ id: version, job_id: jobId });
  expect((await api.get('/v1/audit?act=edit.erased')).body.data).toMatchObject([
    { subject: edit, details: { reason: 'they asked' } },
  ]);
  const check = () => checkEverything(api.lineage, api.blobs, { content: true });
  expect(await check()).toMatchObject({ ok: true, problems: [], unnamed: { blobs: 1 } });
  await api.post(`/v1/jobs/${evaluation.id}/cancel`, {});
  for (const _ of ['mark', 'delete']) await collectGarbage(api.lineage, api.blobs, { dryRun: false, graceMs: 0 });
  expect(await api.blobs.has(words.sha256)).toBe(false);
  expect(await check()).toMatchObject({ ok: true, problems: [], unnamed: { blobs: 0 } });

  // What it acted on comes back under no name.
  const refused = async (path: string, body: object) => (await api.post(path, body)).body.code;
  expect(await refused('/v1/models/atlas/branches/told/restore', {})).toBe('edit_erased');
  expect(await refused('/v1/models/atlas/branches', { name: 'again', from: version })).toBe('edit_erased');
  expect(await refused('/v1/models/atlas/tags', { name: 'again', version })).toBe('edit_erased');
  const alias = await api.call('PUT', '/v1/models/atlas/aliases/again', { body: { version } });
  expect(alias.body.code).toBe('edit_erased');
  expect(await refused('/v1/cherry_picks', { model: 'atlas', job_id: jobId })).toBe('edit_erased');
});

test('events are blanked by an erasure alone', async () => {
  await expect(api.query(`UPDATE events SET data = '{}'`)).rejects.toThrow('append-only');
  await expect(
    api.query(`BEGIN; SELECT set_config('errata.erasing', 'on', true); DELETE FROM events; COMMIT`),
  ).rejects.toThrow('append-only');
  await api.query('ROLLBACK');
});
