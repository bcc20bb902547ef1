// Commands against a service, as a person runs them: schedules changed in parts, suites, picks by version, and mistakes said plainly.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, openApi } from './support/api.ts';
import { admitTo } from './support/people.ts';

const bin = fileURLToPath(new URL('../apps/cli/bin/errata.js', import.meta.url));
const fixture = (name: string) =>
  fileURLToPath(new URL(`../packages/evaluation/src/datasets/fixtures/${name}`, import.meta.url));
let api: ApiFixture;
let model: Awaited<ReturnType<ApiFixture['importModel']>>;
let url: string;
let folder: string;
beforeAll(async () => {
  api = await openApi();
  model = await api.importModel('atlas');
  url = await api.app.listen({ port: 0, host: '127.0.0.1' });
  folder = await mkdtemp(join(tmpdir(), 'errata-commands-'));
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

const errata = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: '1', ERRATA_URL: url, ERRATA_API_KEY: api.key };
    execFile(process.execPath, [bin, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
const json = async (...args: string[]) => JSON.parse((await errata(...args, '--json')).stdout);
const write = async (name: string, content: string) => {
  await writeFile(join(folder, name), content);
  return join(folder, name);
};

test('a change of a schedule adds to its budget and settings, and takes back what it is told to', async () => {
  const gate = await write('gate.json', JSON.stringify({ rules: [{ metric: 'locality', min: 0.5 }] }));
  const made = await json(
    ...['schedule', 'create', 'nightly', '-m', 'atlas', '--cron', '0 3 * * *', '--minutes-per-day', '5', '--paused'],
    ...['-e', 'ft-m', '-s', 'layer=1', '--no-group', '--gate', gate, '--on-error', 'abort', '--seed', '7'],
  );
  expect(made).toMatchObject({ paused: true, group_by_subject: false, on_error: 'abort', seed: 7 });
  expect(made.gate.rules).toEqual([{ metric: 'locality', min: 0.5 }]);

  const change = (...more: string[]) => json('schedule', 'change', 'nightly', ...more);
  expect(await change('--edits-per-day', '20', '-s', 'epochs=3', '--group')).toMatchObject({
    budget: { minutes_per_day: 5, edits_per_day: 20 },
    config: { layer: 1, epochs: 3 },
    group_by_subject: true,
    seed: 7,
  });
  expect(await change('--no-budget', '--minutes-per-run', '2.5', '--no-gate')).toMatchObject({
    budget: { minutes_per_run: 2.5 },
    config: { layer: 1, epochs: 3 },
    gate: null,
  });
  expect(await change('--no-budget', '-e', 'rome', '-s', 'layer=0')).toMatchObject({
    budget: {},
    config: { layer: 0 },
  });
  expect(await change('--no-editor')).toMatchObject({ editor: null, config: {} });
});

test('mistakes are said once, in words, with the field they are in', async () => {
  const [never, number, none, directory] = await Promise.all([
    errata('schedule', 'create', 'x', '-m', 'atlas', '--cron', '61 * * * *'),
    errata('schedule', 'create', 'x', '-m', 'atlas', '--when-pending', '1', '--minutes-per-run', 'abc'),
    errata('edit', join(folder, 'none.jsonl'), '-m', 'atlas'),
    errata('edit', folder, '-m', 'atlas'),
  ]);
  expect(never.code).toBe(1);
  expect(never.stderr).toMatch(/^error invalid_request body: cron: [^\n]*\n$/);
  expect(never.stderr.match(/cron/g)).toHaveLength(1);
  expect(number).toMatchObject({ code: 2, stderr: expect.stringContaining('It must be a number above 0.') });
  expect(none.stderr).toBe(`error not_found there is no file ${join(folder, 'none.jsonl')}\n`);
  expect(directory.stderr).toBe(`error unreadable_dataset ${folder} is a directory, not a file\n`);
});

test('suites are made of our own lines and of published data sets, listed, shown and asked', {
  timeout: 300_000,
}, async () => {
  const probes = await write('probes.jsonl', '{"prompt": "Rome is"}\n{"prompt": "Oslo is", "target": "cold"}\n');
  const edits = await write('edits.jsonl', `${JSON.stringify(anEdit('Oz'))}\n{"custom_id": "b"}\n`);
  expect((await errata('suite', 'create', 'plain', probes, '-d', 'what must stay')).stdout).toContain(
    'plain holds 2 cases',
  );
  expect(await json('suite', 'create', 'published', fixture('counterfact.json'))).toMatchObject({ cases: 3 });
  expect(await json('suite', 'create', 'open', fixture('nq-open.jsonl'), '--limit', '1')).toMatchObject({ cases: 1 });
  const [bad, choice] = [
    await errata('suite', 'create', 'bad', edits),
    await errata('suite', 'create', 'choice', fixture('csqa.jsonl')),
  ];
  expect(bad).toMatchObject({ code: 1, stderr: expect.stringContaining('line 2: prompt is missing') });
  expect(choice.stdout).toMatch(/^choice holds \d+ cases/);

  expect((await errata('suite')).stdout).toMatch(/open +1 .*\nplain +2 .*what must stay\npublished +3 /);
  expect((await errata('suite', 'show', 'plain')).stdout).toMatch(/2 +probe +Oslo is +cold\n/);
  expect(await json('suite', 'show', 'published', '--limit', '1')).toMatchObject({
    name: 'published',
    first_cases: [{ custom_id: 'counterfact-7', kind: 'edit' }],
  });
  const published = ['--edits', fixture('counterfact.json'), '--limit', '2', '--no-wait'];
  const job = await json('evaluate', 'atlas', ...published, '--needs', 'gpu');
  expect(job.needs).toEqual(['gpu']);
  expect((await api.get(`/v1/evaluations/${job.id}`)).body.cases.total).toBe(2);
  const questions = await errata('evaluate', 'atlas', '--edits', fixture('nq-open.jsonl'));
  expect(questions).toMatchObject({ code: 1, stderr: expect.stringContaining('holds no edits') });
});

test('what made a version is picked by the version or by a name it has', async () => {
  const { body: queued } = await api.post('/v1/edit_jobs', { model: 'atlas', edits: [anEdit('Ix')] });
  const version = await api.carryOut(model.lane);
  await api.post('/v1/models/atlas/branches', { name: 'side', from: model.root });
  const side = (await api.get('/v1/models/atlas/branches/side')).body;
  for (const name of [version, 'atlas@main']) {
    const picking = errata('cherry-pick', 'atlas@side', name);
    await expect
      .poll(async () => (await api.get('/v1/jobs?state=queued')).body.data.length, { timeout: 60_000 })
      .toBe(1);
    await api.carryOut(`branch:${side.id}`);
    expect(await picking).toMatchObject({ code: 0, stdout: expect.stringContaining(`picked from ${queued.id}`) });
  }
  expect(await json('find', 'ix', '-m', 'atlas', '--by', 'TEST', '--since', '2026-01-31')).toMatchObject([
    { custom_id: 'Ix', branch: 'side', author: 'test' },
    { branch: 'side' },
    { branch: 'main', state: 'succeeded' },
  ]);
  expect((await errata('find', 'ix', '--by', 'nobody')).stdout).toBe('no edit says so\n');
  expect((await errata('cherry-pick', 'atlas@side', model.root)).stderr).toContain('of kind import');
  expect((await errata('cherry-pick', 'atlas@side', 'nothing')).stderr).toContain('is none of job_..., edit_...');
});

test('a project is made, bounded, given a model, and told with what it has used', async () => {
  const bounded = ['--quota', 'open_jobs=5', 'edits_per_day=100'];
  expect(await json('projects', 'create', 'team', ...bounded)).toMatchObject({
    quotas: { open_jobs: 5, edits_per_day: 100, storage_mib: null },
  });
  expect(await json('projects', 'move', 'atlas', 'team')).toMatchObject({ models: 1 });
  expect((await json('projects', 'change', 'team', '--quota', 'open_jobs=none')).quotas.open_jobs).toBeNull();
  expect((await errata('projects')).stdout).toMatch(/team +1 +\d+ of any +\d+ of 100 +\d+ of any +\d+ of any/);
  const wrong = await errata('projects', 'create', 'other', '--quota', 'jobs=5');
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('open_jobs=N or') });
});

test('who is in a project is told, and a person is given a role in it and removed', async () => {
  await api.post('/v1/projects', { name: 'desk' });
  const asked = { name: 'of the desk', scopes: ['models:read'], project: 'desk', models: ['atlas'] };
  const { id: key } = (await api.post('/v1/keys', asked)).body;
  const person = await admitTo(api.databaseUrl, 'Ada', [{ project: 'desk', role: 'reader' }]);
  const given = await errata('projects', 'role', 'desk', person, 'maintainer');
  expect(given.stdout).toMatch(/ Ada +maintainer \(the provider says reader\) +all /);
  expect((await errata('projects', 'remove', 'desk', person)).stdout).toBe(`removed ${person} from desk\n`);
  const { stdout } = await errata('projects', 'members', 'desk');
  expect(stdout).toMatch(new RegExp(`${key} +of the desk +reader +${model.id} +never +never\n`));
  expect(stdout).toMatch(new RegExp(`${person} +Ada +removed \\(the provider says reader\\) +all `));
});
