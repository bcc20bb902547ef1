// The client against the real server: every member once, over a real connection.
import { noteWorker } from '@errata/lineage';
import { createErrata, type ErrataClient } from '@errata/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from '../../../test/support/api.ts';
import { admitTo } from '../../../test/support/people.ts';
import { writeTinyModel } from '../../../test/support/tiny-model.ts';

let api: ApiFixture;
let errata: ErrataClient;
let address: string;
let root: string;
let lane: string;
beforeAll(async () => {
  api = await openApi();
  const tiny = await writeTinyModel();
  const { digest, files } = await api.engine.call('importModel', { path: tiny.path });
  tiny.remove();
  const stored = files.map(({ name, sha256, size }) => ({ path: name, blob: sha256, bytes: size }));
  ({ root, lane } = await api.importModel('tiny', stored, digest));
  address = await api.app.listen({ port: 0, host: '127.0.0.1' });
  errata = createErrata({ baseUrl: address, apiKey: api.key });
});
afterAll(() => api.close());

const names = <T extends { readonly name: string }>(items: readonly T[]) => items.map(({ name }) => name);

test('models and branches', async () => {
  expect(await errata.ready()).toBe(false);
  await noteWorker(api.lineage, 'somebody', 60_000);
  expect(await errata.ready()).toBe(true);
  expect(names(await errata.models.list().all())).toEqual(['tiny']);
  expect(await errata.models.get('tiny')).toMatchObject({ name: 'tiny', edited: false });
  expect(await errata.queue.get()).toMatchObject({ object: 'queue', workers: [{ name: 'somebody', work: [] }] });
  expect(await errata.queue.failures({ since: new Date().toISOString() })).toMatchObject({ causes: [] });
  expect(await errata.health()).toMatchObject({ object: 'health', vitals: { workers: 1 } });
  await errata.queue.drain('somebody');
  expect(await errata.queue.get()).toMatchObject({ workers: [{ name: 'somebody', draining: true }] });
  expect(await errata.audit.list({ act: 'worker.drained' }).all()).toMatchObject([{ subject: 'somebody' }]);
  expect(await errata.storage()).toMatchObject({ object: 'storage', counted: null });
  const job = await errata.models.import({ name: 'second', path: '/models/second' });
  expect(job).toMatchObject({ kind: 'import', state: 'queued' });
  const branch = await errata.branches.create('tiny', { name: 'work' });
  expect(await errata.branches.get('tiny', 'work')).toEqual(branch);
  expect(names(await errata.branches.list('tiny', { limit: 1 }).all())).toEqual(['main', 'work']);
  expect(await errata.branches.testGate('tiny', 'work', { gate: { rules: [] } })).toMatchObject({ jobs: [] });
  expect(await errata.branches.log('tiny', 'work').all()).toMatchObject([{ kind: 'created', to_version: root }]);
  await errata.branches.delete('tiny', 'work');
  await expect(errata.branches.get('tiny', 'work')).rejects.toMatchObject({ code: 'unknown_branch', status: 404 });
});

test('an edit job from its plan to its versions', async () => {
  const request = { model: 'tiny', edits: [anEdit('France'), anEdit('Spain')] };
  expect(await errata.editJobs.plan(request)).toMatchObject({ object: 'edit_plan', edits: 2, conflicts: [] });
  const job = await errata.editJobs.create(request);
  const seen: string[] = [];
  const waiting = errata.jobs.wait(job.id, { onEvent: ({ type }) => seen.push(type) });
  const version = await api.carryOut(lane);
  expect(await waiting).toMatchObject({ id: job.id, state: 'succeeded', version_id: version });
  expect(seen).toEqual(['queued', 'running', 'evaluating', 'committing', 'succeeded']);
  expect(await errata.jobs.get(job.id)).toMatchObject({ state: 'succeeded' });
  expect(await errata.jobs.results(job.id)).toMatchObject([
    { position: 0, custom_id: 'France', result: { outcome: 'applied' } },
    { position: 1, custom_id: 'Spain' },
  ]);
  const edits = await errata.jobs.edits(job.id, { limit: 1 }).all();
  expect(edits.map(({ custom_id }) => custom_id)).toEqual(['France', 'Spain']);
  expect(await errata.edits.list({ model: 'tiny', text: 'spain' }).all()).toMatchObject([
    { id: edits[1]!.id, branch: 'main', state: 'succeeded' },
  ]);

  expect(await errata.versions.get(version)).toMatchObject({ id: version, parent_id: root });
  const ids = (versions: readonly { readonly id: string }[]) => versions.map(({ id }) => id);
  expect(ids(await errata.versions.list('tiny').all())).toEqual([version, root]);
  expect(ids(await errata.versions.lineage(version, { limit: 1 }).all())).toEqual([version, root]);
  expect(await errata.versions.diff(root, version)).toMatchObject({
    added: [{ edits: [{ custom_id: 'France' }] }, { edits: [{ custom_id: 'Spain' }] }],
    removed: [],
  });

  const back = { model: 'tiny', mode: 'reset', to_version: root } as const;
  const erasing = errata.edits.erase({ edit_ids: [edits[0]!.id], reason: 'tried' });
  await expect(erasing).rejects.toMatchObject({ code: 'edit_active', status: 409 });
  expect(await errata.rollbacks.plan(back)).toMatchObject({ version_id: root, parent_version_id: version, edits: [] });
  const rollback = await errata.rollbacks.create({ model: 'tiny', mode: 'reset', to_version: root, reason: 'tried' });
  expect((await errata.rollbacks.list({ model: 'tiny' }).all()).map(({ id }) => id)).toEqual([rollback.id]);
  expect((await errata.jobs.cancel(rollback.id)).state).toBe('cancelled');
  expect((await errata.jobs.retry(rollback.id)).state).toBe('queued');
  const open = await errata.jobs.list({ model: 'tiny', state: 'queued' }).all();
  expect(open.map(({ id }) => id)).toEqual([rollback.id]);
  await errata.jobs.cancel(rollback.id);
});

test('refusals, artefacts and completions', async () => {
  const refused = errata.editJobs.create({
    model: 'tiny',
    edits_jsonl: JSON.stringify(anEdit('a', { target_new: '' })),
  });
  await expect(refused).rejects.toMatchObject({
    code: 'invalid_edits',
    errors: [{ code: 'empty_target', line: 1, field: 'target_new' }],
    requestId: expect.stringMatching(/^req_/),
  });
  const stranger = createErrata({ baseUrl: address, apiKey: 'errata_sk_nobody' });
  await expect(stranger.models.get('tiny')).rejects.toMatchObject({ code: 'unauthorized', status: 401 });

  const job = await errata.artefacts.create({ model: 'tiny', kind: 'second_moment' });
  expect(job.kind).toBe('artefact');
  expect(await errata.artefacts.list({ model: 'tiny' }).all()).toEqual([]);
  await expect(errata.artefacts.get('art_none')).rejects.toMatchObject({ code: 'not_found' });

  const completion = await errata.completions.create({
    model: `tiny@${root}`,
    prompt: 'Oz is',
    max_tokens: 2,
    temperature: 0,
  });
  expect(completion).toMatchObject({ version: root, choices: [{ index: 0 }] });
  const chat = await errata.chat.completions.create({
    model: `tiny@${root}`,
    messages: [{ role: 'user', content: 'Oz is' }],
    max_tokens: 2,
    temperature: 0,
  });
  expect(chat.choices[0]?.message.content).toBe(completion.choices[0]?.text);
  const embedded = errata.embeddings.create({ model: 'tiny', input: 'Oz is' });
  await expect(embedded).rejects.toMatchObject({ code: 'artefact_missing' });
  const asked = { model: `tiny@${root}`, max_tokens: 2, temperature: 0 };
  let streamed = '';
  for await (const { choices } of errata.completions.stream({ ...asked, prompt: 'Oz is' }))
    streamed += choices[0]?.text;
  expect(streamed).toBe(completion.choices[0]?.text);
  streamed = '';
  for await (const { choices } of errata.chat.completions.stream({
    ...asked,
    messages: [{ role: 'user', content: 'Oz is' }],
  }))
    streamed += choices[0]?.delta.content ?? '';
  expect(streamed).toBe(completion.choices[0]?.text);
  const unknown = errata.completions.stream({ ...asked, model: 'none', prompt: 'Oz is' }).next();
  await expect(unknown).rejects.toMatchObject({ code: 'unknown_model' });
});

test('a file of corrections becomes edits', async () => {
  const reading = await errata.datasets.read({ name: 'mine.jsonl', content: JSON.stringify(anEdit('France')) });
  expect(reading).toMatchObject({ object: 'dataset_reading', records: 1, edits: [{ subject: 'France' }] });
});

test('a page signs in, asks with the cookie of its browser, and signs out', async () => {
  let [cookie, csrf]: [string, string | null] = ['', null];
  const page = createErrata({
    baseUrl: address,
    csrfToken: () => csrf,
    fetch: async (url, init) => {
      const response = await fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), cookie } });
      cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
      return response;
    },
  });
  await expect(page.models.list().all()).rejects.toMatchObject({ code: 'unauthorized' });
  ({ csrf_token: csrf } = await page.session.open({ api_key: api.key }));
  expect(await page.session.get()).toMatchObject({ csrf_token: csrf, key: { name: 'test' } });
  expect(await page.branches.create('tiny', { name: 'of-a-page' })).toMatchObject({ name: 'of-a-page' });
  await page.session.close();
  expect(await page.session.get()).toMatchObject({ key: null });
});

test('a key is made, and revoked', async () => {
  const { id, token } = await errata.keys.create({ name: 'of a page', scopes: ['models:read'] });
  const holder = createErrata({ baseUrl: address, apiKey: token });
  expect(names(await holder.models.list().all())).toContain('tiny');
  expect(names(await errata.keys.list({ limit: 1 }).all())).toContain('of a page');
  expect(await errata.keys.rotate(id, { grace_hours: 1 })).toMatchObject({ name: 'of a page' });
  await errata.keys.revoke(id);
  await expect(holder.models.list().all()).rejects.toMatchObject({ code: 'unauthorized' });
});

test('a project is made, bounded, given a model, keys and people', async () => {
  const { id } = await errata.projects.create({ name: 'team', quotas: { open_jobs: 3 } });
  expect(await errata.projects.change('team', { quotas: { edits_per_day: 9 } })).toMatchObject({
    quotas: { open_jobs: 3, edits_per_day: 9 },
  });
  expect(await errata.projects.moveModel('team', 'tiny')).toMatchObject({ models: 1 });
  expect(await errata.projects.get(id)).toMatchObject({ name: 'team', usage: { open_jobs: expect.any(Number) } });
  const { usage } = await errata.completions.create({ model: `tiny@${root}`, prompt: 'Oz is', max_tokens: 3 });
  await expect.poll(async () => (await errata.projects.get(id)).usage.tokens_per_day).toBe(usage!.completion_tokens);
  expect(names(await errata.projects.list().all())).toEqual(['default', 'team']);
  for (const name of ['one', 'other']) await errata.keys.create({ name, scopes: ['models:read'], project: id });
  expect(names(await errata.members.list('team', { limit: 1 }).all())).toEqual(['one', 'other']);
  const person = await admitTo(api.databaseUrl, 'Ada', [{ project: 'team', role: 'reader' }]);
  expect(await errata.members.setRole('team', person, 'editor')).toMatchObject({ role: 'editor', given_by: 'project' });
  await errata.members.remove('team', person);
  expect(await errata.members.list('team', { kind: 'person' }).all()).toMatchObject([{ id: person, role: null }]);
  await errata.projects.moveModel('default', 'tiny');
});

test('a caller who hangs up is forgotten', async () => {
  const hangUp = new AbortController();
  const request = { model: `tiny@${root}`, prompt: 'Oz is', max_tokens: 90 };
  const calls = Array.from({ length: 8 }, () => errata.completions.create(request, { signal: hangUp.signal }));
  hangUp.abort(new Error('never mind'));
  for (const call of calls) await expect(call).rejects.toThrow('never mind');
  expect((await errata.completions.create({ ...request, max_tokens: 1 })).usage.completion_tokens).toBe(1);
});

test('an inbox and a schedule, from delivery to run', async () => {
  const { id } = await errata.branches.create('tiny', { name: 'inbox' });
  const { custom_id: _, ...bare } = anEdit('Peru');
  expect(await errata.inbox.add(id, bare)).toMatchObject({ accepted: 1 });
  expect(await errata.inbox.add(id, [anEdit('Cuba'), anEdit('Chile')], { priority: 5 })).toMatchObject({ pending: 3 });
  const lines = await errata.inbox.add(id, `${JSON.stringify(anEdit('Chad'))}\n`);
  const chad = lines.edits[0]!.id;
  expect(await errata.inbox.withdraw(id, chad)).toMatchObject({ state: 'withdrawn' });
  expect(await errata.inbox.get(id, chad)).toMatchObject({ state: 'withdrawn' });
  const waiting = await errata.inbox.list(id, { state: ['pending', 'held'], limit: 2 }).all();
  expect(waiting.map(({ subject, priority }) => [subject, priority])).toEqual([
    ['Chile', 5],
    ['Cuba', 5],
    ['Peru', 0],
  ]);
  expect(await errata.inbox.keep(id, waiting[0]!.id)).toMatchObject({ state: 'pending' });

  const schedule = await errata.schedules.create({ name: 'sdk', model: 'tiny', branch: 'inbox', cron: '0 3 * * *' });
  expect(await errata.schedules.get('sdk')).toEqual(schedule);
  expect(await errata.schedules.list({ model: 'tiny', branch: 'inbox' }).all()).toEqual([schedule]);
  expect(await errata.schedules.change('sdk', { batch_size: 2, order: 'priority' })).toMatchObject({ batch_size: 2 });
  expect(await errata.schedules.pause('sdk')).toMatchObject({ paused: true });
  expect(await errata.schedules.resume('sdk')).toMatchObject({ paused: false });
  const { run } = await errata.schedules.trigger('sdk');
  expect(run).toMatchObject({ outcome: 'submitted', counts: { drawn: 2, left: 1 } });
  expect(await errata.schedules.runs('sdk').all()).toEqual([run]);
  await errata.schedules.delete('sdk');
  await expect(errata.schedules.get('sdk')).rejects.toMatchObject({ code: 'unknown_schedule' });
});
