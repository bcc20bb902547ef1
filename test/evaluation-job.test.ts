// Evaluations and searches as people meet them: a service with a worker, and the errata command.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scopes } from '@errata/contracts';
import { createKey, openLineage } from '@errata/lineage';
import { createErrata, type ErrataClient } from '@errata/sdk';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSettings as readApiSettings, startApi } from '../apps/api/src/index.ts';
import { readSettings as readWorkerSettings, startWorker } from '../apps/worker/src/index.ts';
import { createTestDatabase } from './support/database.ts';
import { writeTinyModel } from './support/tiny-model.ts';

const log = pino({ level: 'silent' });
const closers: (() => Promise<unknown>)[] = [];
const bin = fileURLToPath(new URL('../apps/cli/bin/errata.js', import.meta.url));
let folder: string;
let errata: ErrataClient;
let address: string;
let key: string;
/** Versions of the branch by move, from 1 on. */
const versions: string[] = [];

/** A model of characters does not stop: the bracket ends the answer, which is as long as a search reads. */
const [lyon, oslo] = ['Lyon (a river!)', 'Oslo (a fjord!)'];
const prompt = 'The capital of Oz is';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-evaluate-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const database = await createTestDatabase();
  closers.push(() => database.drop());
  const environment = { DATABASE_URL: database.url, BLOBS_DIR: join(folder, 'blobs'), PORT: '0', ERRATA_THREADS: '1' };
  const api = await startApi(readApiSettings(environment), log);
  closers.push(() => api.close());
  const worker = await startWorker(readWorkerSettings({ ...environment, WORKER_NAME: 'evaluator' }), log);
  closers.push(() => worker.stop());
  const lineage = await openLineage(database.url);
  key = (await createKey(lineage, 'test', scopes)).token;
  await lineage.close();
  address = api.url;
  errata = createErrata({ baseUrl: address, apiKey: key });

  const tiny = await writeTinyModel();
  closers.push(async () => tiny.remove());
  const imported = await errata.models.import({ name: 'tiny', path: tiny.path });
  expect(await errata.jobs.wait(imported.id)).toMatchObject({ state: 'succeeded', error: null });
  for (const target_new of [lyon, oslo]) {
    const { id } = await errata.editJobs.create({
      model: 'tiny',
      editor: 'ft-m',
      config: { layer: 2, learning_rate: 0.02, epochs: 150, stop_loss: 0 },
      gate: { rules: [] },
      edits: [
        { custom_id: target_new.slice(0, 4), prompt, subject: 'Oz', target_new, aliases: [target_new.slice(0, 4)] },
      ],
    });
    expect(await errata.jobs.wait(id)).toMatchObject({ state: 'succeeded', error: null });
  }
  const moves = await errata.branches.log('tiny', 'main').all();
  versions.push('', ...moves.map(({ to_version }) => to_version).reverse());
  await writeFile(join(folder, 'probes.jsonl'), `${JSON.stringify({ custom_id: 'oz', prompt, target: 'Lyon' })}\n`);
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

interface Outcome {
  readonly code: number;
  readonly stdout: string;
}

const run = (...args: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: '1', ERRATA_URL: address, ERRATA_API_KEY: key };
    execFile(process.execPath, [bin, ...args], { env, cwd: folder }, (error, stdout) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout });
    });
  });

test('errata evaluate measures any version, and says first what broke', async () => {
  const [people, machine] = await Promise.all([
    run(
      'evaluate',
      'tiny',
      '--probes',
      'probes.jsonl',
      '--against',
      versions[2]!,
      ...['--csv', 'rows.csv', '--report', 'page.html'],
    ),
    run('evaluate', `tiny@${versions[2]}`, '--against', 'base', '--json'),
  ]);
  expect(people.code).toBe(0);
  expect(people.stdout).toMatch(/^succeeded job_\w+\n {2}ver_\w+ against ver_\w+ \(version\), 1 cases\n/);
  expect(people.stdout).toMatch(/accuracy +1 .*100\.0% +0\.0%\n/);
  expect(people.stdout).toMatch(/broken {2}oz: The capital of Oz is "Lyon \(.*" -> "Oslo \(.*"\n/);
  expect(people.stdout).toMatch(/digest of results [0-9a-f]{64}/);
  expect(await readFile(join(folder, 'rows.csv'), 'utf8')).toMatch(
    /^0,oz,oz,probe,measured,,The capital of Oz is,Lyon,/m,
  );
  const page = await readFile(join(folder, 'page.html'), 'utf8');
  expect(page).toContain('<h2>What broke: 1 case</h2>');
  expect(page).toContain('probes that were given, 1 case · 1 of 1 answers changed');
  expect(page).not.toMatch(/<script|https?:/);
  const evaluation = JSON.parse(machine.stdout);
  expect(evaluation).toMatchObject({
    state: 'succeeded',
    version_id: versions[2],
    suite: { source: 'applied' },
    summary: { edits: 1, applied: 1, reliability: { after: { exact: 1 } } },
    outcome: { failed: 0, metrics: { 'reliability.exact': { value: 1, before: { value: 0 }, delta: { value: 1 } } } },
  });
});

test('errata evaluate --editor shows what an editor would do, and does nothing', async () => {
  const edit = { custom_id: 'Lima', prompt, subject: 'Oz', target_new: 'Lima (a coast!)', aliases: ['Lima'] };
  await writeFile(join(folder, 'edits.jsonl'), `${JSON.stringify(edit)}\n`);
  const settings = ['--set', 'layer=2', '--set', 'learning_rate=0.02', '--set', 'epochs=150', '--set', 'stop_loss=0'];
  const before = await errata.branches.get('tiny', 'main');
  const asked = await run(
    ...['evaluate', 'tiny', '--edits', 'edits.jsonl', '--editor', 'ft-m', '--protocol', 'lifelong'],
    ...[...settings, '--report', 'editor.html'],
  );
  expect(asked.code).toBe(0);
  expect(asked.stdout).toContain(`ft-m on ${versions[3]!.slice(0, 16)} (lifelong), 3 measurements`);
  expect(asked.stdout).toMatch(/reliability +1 .*0\.0% +100\.0%\n/);
  expect(asked.stdout).toMatch(/mended {2}Lima: The capital of Oz is "Oslo \(.*" -> "Lima \(.*"/);
  expect(await readFile(join(folder, 'editor.html'), 'utf8')).toContain('<h1>ft-m on tiny</h1>');
  expect(await errata.branches.get('tiny', 'main')).toEqual(before);
});

test('errata compare holds two evaluations against each other, what got worse first', async () => {
  const suite = await errata.suites.create({ name: 'capitals', probes: [{ custom_id: 'oz', prompt, target: 'Lyon' }] });
  const evaluate = async (version: string) => {
    const { id } = await errata.evaluations.create({ model: 'tiny', version, suite: suite.name, against: 'base' });
    expect(await errata.jobs.wait(id)).toMatchObject({ state: 'succeeded', error: null });
    return id;
  };
  const [right, wrong] = [await evaluate(versions[2]!), await evaluate(versions[3]!)];
  const [people, machine] = await Promise.all([run('compare', right, wrong), run('compare', wrong, right, '--json')]);
  expect(people.code).toBe(0);
  expect(people.stdout).toMatch(/accuracy\.exact +1 +1 +0 +-1 +1 \/ 0\n/);
  expect(people.stdout).toMatch(/1 of 1 answers differ\nbroken {2}oz: The capital of Oz is "Lyon \(.*" -> "Oslo \(.*"/);
  const { result } = JSON.parse(machine.stdout);
  expect(result.answers).toMatchObject([{ case_id: 'oz', turned: 'mended' }]);
  expect(result.metrics.find(({ metric }: { metric: string }) => metric === 'accuracy.exact')).toMatchObject({
    ...{ cases: 1, wins: 1, losses: 0, ties: 0, regressions: [], only_in_one: 0 },
    improvements: [{ case_id: 'oz', one: 0, other: 1 }],
    difference: { value: 1, interval: null },
  });
});

test('errata diff shows the answers by which two versions differ', async () => {
  const [answers, probes] = await Promise.all([
    run('diff', versions[2]!, versions[3]!, '--answers'),
    run('diff', versions[1]!, versions[2]!, '--probes', 'probes.jsonl', '--json'),
  ]);
  expect(answers.stdout).toContain(`+   Oslo: ${prompt} -> ${oslo}`);
  expect(answers.stdout).toContain('1 of 1 answers changed');
  expect(answers.stdout).toMatch(/mended {2}Oslo: The capital of Oz is "Lyon \(.*" -> "Oslo \(.*"\n/);
  expect(JSON.parse(probes.stdout)).toMatchObject({
    added: [{ edits: [{ custom_id: 'Lyon' }] }],
    evaluation: { state: 'succeeded', changed: [{ custom_id: 'oz', answer_after: expect.stringMatching(/^Lyon \(/) }] },
  });
});

test('errata bisect and errata blame name the version and the edit', async () => {
  const [found, agreed, blamed] = await Promise.all([
    run('bisect', 'tiny', '--prompt', prompt, '--target', 'Lyon', '--good', '2'),
    run('bisect', 'tiny', '--prompt', prompt, '--target', 'Oslo', '--json'),
    run('blame', 'tiny', prompt),
  ]);
  expect(found.code).toBe(0);
  expect(found.stdout).toContain('first bad of 2 moves');
  expect(found.stdout).toContain(`${versions[3]}  "${oslo}", was "${lyon}"`);
  expect(found.stdout).toMatch(/\+ edit_\w+ {2}The capital of Oz is -> Oslo \(a fjord!\)/);
  // The first move answers with neither, the head with what is expected: nothing broke.
  expect(agreed.code).toBe(3);
  expect(JSON.parse(agreed.stdout)).toMatchObject({
    state: 'rejected',
    error: { code: 'ends_agree', details: { good: { verdict: 'bad' }, bad: { verdict: 'good' } } },
  });
  expect(blamed.code).toBe(0);
  expect(blamed.stdout).toContain(`before  "${lyon}"`);
  expect(blamed.stdout).toMatch(
    /made by edit_\w+ {2}Oslo: The capital of Oz is -> Oslo \(a fjord!\)\n {2}of job_\w+, version ver_/,
  );
});
