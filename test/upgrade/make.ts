// Makes a fixture of this build: `npm run fixture -- NAME`, at a release. What it leaves must open in every later build.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import { scopes } from '@errata/contracts';
import { createKey, openLineage, revokeKey } from '@errata/lineage';
import { createErrata } from '@errata/sdk';
import { type Connection, connectionFile } from '../../apps/cli/src/service/connection.ts';
import { writeTinyModel } from '../support/character-model.ts';
import { type Stored, save } from './archive.ts';
import { type Answered, type Answers, ask, fixtures, openEach, questionsAbout } from './questions.ts';
import { lastRequest, model, tell } from './story.ts';

const [name] = process.argv.slice(2);
if (name === undefined) throw new Error('which name? That of the release, or a date');
const target = join(fixtures, name);
if (existsSync(target)) throw new Error(`${target} is there, and is never made again`);
// Paths go into the history: those of this repository, which the processes stand in, and not those of this machine.
const folder = join('.errata', 'upgrade');
const dataDir = join(process.cwd(), folder, 'data');
const { DATABASE_URL, QUEUE_URL, BLOBS_DIR, ...inherited } = process.env;
const env = { ...inherited, WORKER_NAME: 'maker' };

/** Runs something while a stack of this build is up on the data directory. */
async function onStack<T>(workers: number, run: (url: string, stored: Stored) => Promise<T>): Promise<T> {
  const given = ['up', '--data', dataDir, '--port', '0', '--workers', String(workers), '--json'];
  const up = spawn(process.execPath, ['apps/cli/bin/errata.js', ...given], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => up.once('exit', () => resolve()));
  try {
    const started = once(createInterface({ input: up.stdout }), 'line') as Promise<[string]>;
    const [line] = await Promise.race([started, ended.then(() => Promise.reject(new Error('errata up has ended')))]);
    const { url } = JSON.parse(line) as { url: string };
    const { database_url: databaseUrl } = JSON.parse(await readFile(connectionFile(dataDir), 'utf8')) as Connection;
    return await run(url, { databaseUrl, blobsDir: join(dataDir, 'blobs') });
  } finally {
    up.kill('SIGINT');
    await ended;
  }
}

async function makeKeys(databaseUrl: string): Promise<Answers['keys']> {
  const lineage = await openLineage(databaseUrl);
  try {
    const token = async (of: string, ...given: Parameters<typeof createKey>[2]) => createKey(lineage, of, given);
    const revoked = await token('revoked', 'admin');
    await revokeKey(lineage, revoked.key.id);
    return {
      author: (await token('author', ...scopes)).token,
      approver: (await token('approver', 'models:read', 'approve')).token,
      reader: (await token('reader', 'models:read')).token,
      revoked: revoked.token,
    };
  } finally {
    await lineage.close();
  }
}

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const modelPath = await writeTinyModel(folder);
const clientOf = (baseUrl: string) => (apiKey: string) => createErrata({ baseUrl, apiKey });

const { keys, open } = await onStack(1, async (url, stored) => {
  const keys = await makeKeys(stored.databaseUrl);
  const [author, approver] = [keys.author, keys.approver].map(clientOf(url));
  return { keys, open: await tell({ author: author!, approver: approver! }, stored, modelPath) };
});

await mkdir(target, { recursive: true });
// Nobody works now: what is submitted waits, and nothing changes while everything is asked and saved.
await onStack(0, async (url, stored) => {
  const errata = clientOf(url)(keys.author);
  const queued = { key: 'asked-once', request: lastRequest };
  const { id: job } = await errata.editJobs.create(queued.request, { idempotencyKey: queued.key });
  const answered: Answered[] = [];
  for (const question of await questionsAbout(errata, model))
    answered.push({ ...question, answer: await ask({ url, token: keys.author }, question) });
  const versions = (await errata.versions.list(model).all()).map((version) => version.id);
  const opened = await openEach(stored, model, versions);
  const made = { at: new Date().toISOString(), node: process.version, platform: `${process.platform}-${process.arch}` };
  const answers: Answers = { made, keys, open: { ...open, queued: { ...queued, job } }, answered, opened };
  await save(stored, join(target, 'data.tar.gz'));
  await writeFile(join(target, 'answers.json.gz'), gzipSync(JSON.stringify(answers), { level: 9 }));
  console.log(`${versions.length} versions, ${answered.length} questions`);
});
for (const file of ['data.tar.gz', 'answers.json.gz'])
  console.log(join(target, file), (await stat(join(target, file))).size);
await rm(folder, { recursive: true, force: true });
