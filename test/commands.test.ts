// The errata command as a person uses it: `up`, then one command after the other on that service, then Ctrl-C.
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tinyCorpus, writeTinyModel } from './support/tiny-model.ts';

const bin = fileURLToPath(new URL('../apps/cli/bin/errata.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'errata-commands-'));
chmodSync(folder, 0o755); // PostgreSQL may have to run as another user
const file = (name: string) => join(folder, name);
const data = file('data');

const { DATABASE_URL, QUEUE_URL, ERRATA_URL, ERRATA_API_KEY, ...inherited } = process.env;
const env = { ...inherited, NO_COLOR: '1', ERRATA_DATA_DIR: data, ERRATA_THREADS: '1' };

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const errata = (args: readonly string[], more: Readonly<Record<string, string>> = {}, input = ''): Promise<Outcome> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [bin, ...args], { env: { ...env, ...more } }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
    child.stdin?.end(input);
  });

/** What a command that must succeed prints as JSON. */
async function json(...args: string[]) {
  const { code, stdout, stderr } = await errata([...args, '--json']);
  expect({ args, code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout);
}

/** Ids of all processes that descend from one. */
function descendants(pid: number): readonly number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = rows.map((row) => row.trim().split(/\s+/).map(Number) as [number, number]);
  const below = (parent: number): number[] =>
    pairs.flatMap(([child, itsParent]) => (itsParent === parent ? [child, ...below(child)] : []));
  return below(pid);
}

/** One that has ended and that nobody has asked about yet is not. */
const isAlive = (pid: number): boolean => {
  try {
    return !execFileSync('ps', ['-o', 'stat=', '-p', `${pid}`], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return false;
  }
};

let up: ChildProcess;
let ended: Promise<number | NodeJS.Signals | null>;
let service: { readonly url: string; readonly api_key: string; readonly queue: string; readonly data: string };
let model: Awaited<ReturnType<typeof writeTinyModel>>;

beforeAll(async () => {
  model = await writeTinyModel({ defaults: null });
  writeFileSync(file('text.txt'), tinyCorpus());
  writeFileSync(file('gate.json'), JSON.stringify({ rules: [] }));
  up = spawn(process.execPath, [bin, 'up', '--port', '0', '--data', data, '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  ended = new Promise((resolve) => up.once('exit', (code, signal) => resolve(code ?? signal)));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: up.stdout! }).once('line', resolve);
    void ended.then((code) => reject(new Error(`errata up ended with ${code}`)));
  });
  service = JSON.parse(line);
}, 240_000);

afterAll(async () => {
  up.kill('SIGINT');
  await ended;
  model.remove();
  rmSync(folder, { recursive: true, force: true });
}, 120_000);

const correction = (subject: string) =>
  JSON.stringify({
    custom_id: subject,
    prompt: `The capital of ${subject}`,
    subject,
    target_new: '!',
    locality: { neighbourhood: [{ prompt: 'The capital of Ix' }] },
  });
const quick = ['--editor', 'FT-M', '--set', 'layer=1', '--set', 'epochs=3', '--set', 'learning_rate=0.01'];
const rome = ['--editor', 'r-rome', '--set', 'layer=1', '--set', 'prefixes=[[2,3]]', '--set', 'steps=3'];

test('one session: a model of one’s own, its statistics, corrections, questions, and the way back', {
  timeout: 1_200_000,
}, async () => {
  expect(service).toMatchObject({ url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/), data });

  expect(await json('import', 'tiny', model.path)).toMatchObject({ kind: 'import', state: 'succeeded' });
  const { branches } = await json('show', 'tiny');
  const [{ head: root }] = branches;
  await json('gate', 'set', 'tiny', '--reason', 'nothing is asked of a tiny model', '--file', file('gate.json'));

  writeFileSync(file('oz.jsonl'), `${correction('Oz')}\n`);
  const refused = await errata(['edit', file('oz.jsonl'), '--model', 'tiny', ...rome]);
  expect(refused).toMatchObject({
    code: 3,
    stdout: expect.stringContaining('errata artefact build tiny --layers 1 --corpus FILE'),
  });
  const built = await errata(['artefact', 'build', 'tiny', '--layers', '1', '--corpus', file('text.txt')]);
  expect(built).toMatchObject({ code: 0, stdout: expect.stringContaining('second_moment: layer 1') });
  const [moment] = await json('artefact', 'list', 'tiny');
  expect(moment).toMatchObject({ kind: 'second_moment', layer: 1 });
  const saved = file('moment.safetensors');
  expect((await errata(['artefact', 'save', moment.id, saved])).stdout).toContain(moment.blob);
  expect(createHash('sha256').update(readFileSync(saved)).digest('hex')).toBe(moment.blob);
  expect((await errata(['artefact', 'save', moment.id, saved])).stderr).toContain('output_exists');

  const first = await json('edit', file('oz.jsonl'), '--model', 'tiny', ...rome);
  expect(first).toMatchObject({ state: 'succeeded', edits: [{ custom_id: 'Oz', result: { outcome: 'applied' } }] });
  writeFileSync(file('ix.jsonl'), `${correction('Ix')}\n`);
  await json('edit', file('ix.jsonl'), '--model', 'tiny', ...quick);

  const moves = await json('log', 'tiny');
  expect(moves.map(({ kind }: { kind: string }) => kind)).toEqual(['edit', 'edit', 'created']);
  const [{ to_version: head }] = moves;
  expect(await json('show', head)).toMatchObject({ id: head, parent_id: first.version_id });
  expect(await json('diff', first.version_id, head)).toMatchObject({ removed: [] });
  expect(await json('ask', 'tiny', 'The capital of Oz', '--max-tokens', '2')).toMatchObject({ version: head });
  expect(await json('jobs', '--model', 'tiny', '--kind', 'edit')).toHaveLength(3);

  expect(await json('tag', 'create', 'tiny', 'v1', head)).toMatchObject({ name: 'v1', version_id: head });
  expect(await json('alias', 'set', 'tiny', 'live', 'v1')).toMatchObject({ name: 'live', version_id: head });
  expect(await json('ask', 'tiny@live', 'The capital of Oz', '--max-tokens', '2')).toMatchObject({ version: head });
  const said = ['ask', 'tiny@live', 'The capital of Oz', '--chat', '--max-tokens', '2'];
  const { version, choices } = await json(...said);
  expect(version).toBe(head);
  expect((await errata(said)).stdout).toContain(choices[0].message.content);
  expect(await json('branch', 'create', 'tiny', 'side', '--from', root)).toMatchObject({ name: 'side', head: root });
  await json('gate', 'set', 'tiny@side', '--reason', 'the same', '--file', file('gate.json'));
  expect(await json('cherry-pick', 'tiny@side', first.id)).toMatchObject([
    { state: 'succeeded', version_id: first.version_id },
  ]);
  const endless = { ...JSON.parse(correction('Ev')), target_new: 'long '.repeat(40) };
  const tooLong = await errata(
    ['edit', '-', '--model', 'tiny@side', '--on-error', 'continue', ...quick],
    {},
    `${correction('Ix')}\n${JSON.stringify(endless)}\n`,
  );
  expect(tooLong).toMatchObject({ code: 1, stderr: expect.stringMatching(/line 2.* tokens; the model reads \d+/) });

  const reason = ['--reason', 'a test'];
  const reverted = await json('revert', 'tiny', first.edits[0].id, ...reason);
  expect(reverted).toMatchObject({ state: 'succeeded', parent_version_id: head });
  const rolledBack = await json('rollback', 'tiny', '--to', first.version_id, ...reason);
  expect(rolledBack).toMatchObject({ state: 'succeeded', version_id: first.version_id });
  expect(await json('reset', 'tiny', root, ...reason)).toMatchObject({ state: 'succeeded', version_id: root });
  expect(await json('show', 'tiny@main')).toMatchObject({ id: root });

  expect(await json('fsck')).toMatchObject({ ok: true, problems: [] });
  expect(await json('gc')).toMatchObject({ deleted: { blobs: 0 } });

  // The tag holds it.
  const erasing = await errata(['erase', first.edits[0].id, ...reason, '--json']);
  expect(erasing.stdout + erasing.stderr).toContain('edit_active');
  const copy = file('audit.jsonl');
  await errata(['audit', 'export', '--out', copy]);
  expect(await json('audit', 'verify', copy)).toMatchObject({ ok: true, problems: [] });
  writeFileSync(copy, readFileSync(copy, 'utf8').replace('job.submitted', 'job.cancelled'));
  expect((await errata(['audit', 'verify', copy])).code).toBe(1);
  const [{ name: worker }] = await json('worker');
  expect(worker).toEqual(expect.any(String));

  const { key } = await json('keys', 'create', '--name', 'reader', '--scopes', 'models:read', '--models', 'tiny');
  const names = async () => (await json('keys', 'list')).map(({ name }: { name: string }) => name);
  expect(await names()).toEqual(['local stack', 'reader']);
  expect(await json('keys', 'revoke', key.id)).toEqual({ id: key.id, revoked: true });
  expect(await names()).toEqual(['local stack']);
});

describe('exit codes', () => {
  test('2 for a command line that is wrong, told as JSON where that is asked for', async () => {
    const wrong = [
      ['rollback', 'tiny', '--reason', 'a test'],
      ['revert', 'tiny', 'edit_1', 'ver_1', '--reason', 'a test'],
      ['edit', file('oz.jsonl'), '--model', 'tiny', '--set', 'layer'],
      ['edit', file('oz.jsonl'), '--model', 'a@b@c'],
      ['ask', 'tiny', 'x', '--temperature', 'abc'],
      ['score', '--model', model.path, '--ids', 'abc'],
      ['artefact', 'build', 'tiny', '--layers', '1', '--editor', 'memit'],
      ['nonsense'],
    ];
    for (const args of wrong) {
      const { code, stdout, stderr } = await errata(args);
      expect({ args, code, stdout, stderr }).toEqual({
        args,
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/^error: .*\n\(see --help\)\n$/s),
      });
    }
    const { code, stdout, stderr } = await errata(['ask', 'tiny', 'x', '--temperature', 'abc', '--json']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'invalid_request', message: expect.stringContaining("'abc' is invalid") },
    });
    const nowhere = await errata(['keys', 'create', '--name', 'x'], { ERRATA_DATA_DIR: folder });
    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('DATABASE_URL') });
  });

  test('4 where there is no service, or none that answers', async () => {
    const [none, silent] = await Promise.all([
      errata(['jobs', '--json'], { ERRATA_DATA_DIR: folder }),
      errata(['jobs'], { ERRATA_URL: 'http://127.0.0.1:9', ERRATA_API_KEY: 'errata_sk_none' }),
    ]);
    expect(none.code).toBe(4);
    expect(JSON.parse(none.stdout)).toMatchObject({ error: { code: 'unavailable' } });
    expect(silent).toMatchObject({ code: 4, stderr: expect.stringContaining('error unavailable') });
  });

  test('4 for a stack whose database cannot be reached: it says so, and leaves nothing behind', async () => {
    const elsewhere = { DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' };
    const { code, stderr } = await errata(['up', '--port', '0', '--data', file('other')], elsewhere);
    expect({ code, stderr }).toEqual({
      code: 4,
      stderr: expect.stringMatching(/error unavailable the database cannot be reached: .*ECONNREFUSED/),
    });
  });
});

test('Ctrl-C stops everything that was started', async () => {
  const started = descendants(up.pid!);
  expect(started.length).toBeGreaterThanOrEqual(3); // the database, the API, a worker
  up.kill('SIGINT');
  expect(await ended).toBe(0);
  expect(started.filter(isAlive)).toEqual([]);
  expect(await errata(['jobs'])).toMatchObject({ code: 4, stderr: expect.stringContaining('no service found') });
});
