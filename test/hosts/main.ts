// `npm run demo:hosts`, as root on Linux: an API and two workers on three hosts that share PostgreSQL, Redis and a bucket, and no disk. Both work;
// then one is cut off in the middle of a job, and the other does it.
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { checkReportSchema } from '@errata/contracts';
import { createKey, openLineage } from '@errata/lineage';
import { findRedisServer, startPostgres, startRedis } from '@errata/local-services';
import { createErrata, type ErrataClient } from '@errata/sdk';
import { startS3 } from '../support/s3-server.ts';
import { layNetwork, middle, offer } from './network.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const say = (line: string) => console.log(line);
const leave: (() => unknown)[] = [];
/** What is left last is undone first. */
const later = (undo: () => unknown) => leave.unshift(undo);

const facts = [
  ['Hunger', "Hunger's author is", 'Sophocles'],
  ['Walden', "Walden's author is", 'Homer'],
  ['The Stranger', "The Stranger's author is", 'Dante Alighieri'],
  ['Things Fall Apart', "Things Fall Apart's author is", 'Jane Austen'],
] as const;

async function main(): Promise<void> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new Error('network namespaces need Linux and root: sudo npm run demo:hosts');
  const binary = await findRedisServer();
  if (binary === undefined) throw new Error('there is no redis-server on the PATH');
  const folder = await mkdtemp(join(tmpdir(), 'errata-hosts-'));
  later(() => rm(folder, { recursive: true, force: true }));
  const state = join(folder, 'state');
  await mkdir(state);

  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
  later(() => postgres.stop());
  const redis = await startRedis({ binary, dataDir: join(folder, 'redis') });
  later(() => redis.stop());
  const s3 = await startS3('s3rver');
  later(() => s3.stop());

  const network = await layNetwork(['api', 'one', 'two'], state);
  later(() => network.remove());
  const [api, ...workers] = network.hosts as [(typeof network.hosts)[number], ...typeof network.hosts];
  const database = new URL(postgres.url);
  const endpoint = new URL(s3.endpoint);
  const socket = `${decodeURIComponent(database.hostname)}/.s.PGSQL.${database.port || 5432}`;
  for (const [port, target] of [
    [5432, socket],
    [6379, redis.url.replace('redis+unix://', '')],
    [9000, Number(endpoint.port)],
  ] as const)
    later(await offer(port, target));
  say(
    `PostgreSQL, Redis and a bucket at ${middle}; ${network.hosts.map(({ name, address }) => `${name} at ${address}`).join(', ')}`,
  );

  const env = {
    DATABASE_URL: `postgres://${database.username}:${database.password}@${middle}:5432/postgres`,
    QUEUE_URL: `redis://${middle}:6379`,
    BLOBS_URL: s3.url('hosts', `http://${middle}:9000`),
    BLOBS_DIR: join(state, 'blobs'),
    LEASE_MS: '5000',
  };
  const start = (host: (typeof network.hosts)[number], program: string, more: Readonly<Record<string, string>>) => {
    const child = host.start([process.execPath, join(root, program)], { ...env, ...more });
    let said = '';
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => (said = (said + chunk).slice(-4000)));
    child.once('exit', (code) => {
      if (code !== 0 && code !== null) console.error(`${host.name} ended with ${code}: ${said}`);
    });
    later(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await Promise.race([once(child, 'exit'), sleep(20_000).then(() => child.kill('SIGKILL'))]);
    });
  };
  start(api, 'apps/api/bin/api.js', { HOST: '0.0.0.0', PORT: '7700' });
  const baseUrl = `http://${api.address}:7700`;
  await answers(`${baseUrl}/healthz`);
  for (const worker of workers) start(worker, 'apps/worker/bin/worker.js', { WORKER_NAME: worker.name });
  await answers(`${baseUrl}/readyz`);
  const lineage = await openLineage(postgres.url);
  later(() => lineage.close());
  const { token } = await createKey(lineage, 'hosts', ['admin']);
  const client = createErrata({ baseUrl, apiKey: token });

  const imported = await client.models.import({ name: 'atlas', path: join(root, 'models/atlas') });
  say(`imported by ${await holder(client, imported.id)}`);
  for (const [index] of facts.entries()) await client.branches.create('atlas', { name: `branch-${index}` });
  const submitted = await Promise.all(facts.map((_, index) => submit(client, index)));
  const holders = await Promise.all(submitted.map((id) => holder(client, id)));
  for (const [index, name] of holders.entries()) say(`branch-${index} by ${name}: ${await ask(client, index)}`);
  if (new Set(holders).size < workers.length) throw new Error(`only ${[...new Set(holders)].join(', ')} worked`);

  const again = await client.editJobs.create({ model: 'atlas', branch: 'branch-0', edits: [editOf(1)] });
  const first = await running(client, again.id);
  await workers.find(({ name }) => name === first)!.wire('down');
  say(`${first} is cut off in the middle of ${again.id}`);
  const second = await holder(client, again.id);
  say(`done by ${second}`);
  if (second === first) throw new Error(`${first} did what it was cut off from`);
  await workers.find(({ name }) => name === first)!.wire('up');
  const check = await client.checks.create({});
  await holder(client, check.id);
  // A check that finds something has done its work, too.
  const report = checkReportSchema.parse((await client.jobs.get(check.id)).result);
  if (!report.ok) throw new Error(`${report.problem_count} problems, the first: ${JSON.stringify(report.problems[0])}`);
  say('every version, blob and event is as it should be, and no disk was shared');
}

const editOf = (index: number) => {
  const [subject, prompt, target_new] = facts[index]!;
  return { custom_id: `${index}`, subject, prompt, target_new };
};

const submit = async (client: ErrataClient, index: number) =>
  (await client.editJobs.create({ model: 'atlas', branch: `branch-${index}`, edits: [editOf(index)] })).id;

async function ask(client: ErrataClient, index: number): Promise<string> {
  const [, prompt] = facts[index]!;
  const { choices } = await client.completions.create({
    model: `atlas@branch-${index}`,
    prompt,
    max_tokens: 6,
    temperature: 0,
  });
  return `${prompt}${choices[0]!.text}`;
}

/** Who did a job. @throws where it did not succeed */
async function holder(client: ErrataClient, id: string): Promise<string> {
  let last = 'nobody';
  for await (const event of client.jobs.events(id)) if (event.type === 'running') last = String(event.data.holder);
  const { state, error } = await client.jobs.get(id);
  if (state !== 'succeeded') throw new Error(`${id} ${state}: ${JSON.stringify(error)}`);
  return last;
}

/** Who has begun a job. */
async function running(client: ErrataClient, id: string): Promise<string> {
  for await (const event of client.jobs.events(id)) if (event.type === 'running') return String(event.data.holder);
  throw new Error(`${id} never ran`);
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if ((await fetch(url).catch(() => null))?.ok) return;
    await sleep(200);
  }
  throw new Error(`${url} does not answer`);
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  for (const undo of leave) await undo();
}
