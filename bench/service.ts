// What the API does in a second over HTTP: reads, logs, submissions; beside a bare Fastify that answers as much, and the bare database.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '@errata/local-services';
import { fastify } from 'fastify';
import { anEdit, openApi } from '../test/support/api.ts';
import { median } from './median.ts';

const usage = `usage: npm run bench -- service [options]
  --connections COUNT  that ask at once, default 20
  --seconds COUNT      of each measurement, default 3
  --rounds COUNT       in each of which everything is measured once, default 3
  --commits COUNT      of the branch whose log is read, default 200
`;

interface Found {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly latencies: readonly number[];
}

export async function main(args: readonly string[]): Promise<void> {
  const options = {
    connections: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    commits: { type: 'string', default: '200' },
  } as const;
  const given = (() => {
    try {
      return parseArgs({ args: [...args], options }).values;
    } catch {
      return undefined;
    }
  })();
  const numberOf = (name: keyof typeof options) => Number(given?.[name] ?? 0);
  const [connections, seconds, rounds] = [numberOf('connections'), numberOf('seconds'), numberOf('rounds')];
  const commits = numberOf('commits');
  if (![connections, seconds, rounds, commits].every((value) => value > 0)) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'errata-bench-'));
  await chmod(folder, 0o755); // PostgreSQL may have to run as another user
  const server = await startPostgres({ dataDir: join(folder, 'postgres') });
  const api = await openApi({ rateLimit: 0, jobsPerKey: 0 }, { postgresUrl: server.url });
  const bare = fastify();
  try {
    const model = await api.importModel('atlas');
    const submit = (n: number) => ({ model: 'atlas', edits: [anEdit(`c${n}`)] });
    let version = model.root;
    for (let n = 0; n < commits; n++) {
      const { status, text } = await api.post('/v1/edit_jobs', submit(n));
      if (status !== 202) throw new Error(text);
      const { lease, job } = await api.take(model.lane);
      version = await api.commit(lease, job);
    }
    const [versionPath, logPath] = [`/v1/versions/${version}`, '/v1/models/atlas/branches/main/log'];
    const payload = JSON.parse((await api.get(versionPath)).text);
    bare.get('/', async () => payload);
    const url = async (app: typeof bare | typeof api.app) => {
      await app.listen({ host: '127.0.0.1', port: 0 });
      return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
    };
    const [ours, theirs] = [await url(api.app), await url(bare)];
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    const headers = { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' };
    const ask = (address: string, wanted: number, body?: () => unknown) => () =>
      new Promise<void>((resolve, reject) => {
        const sent = request(address, { agent, headers, method: body === undefined ? 'GET' : 'POST' }, (answer) => {
          answer.resume();
          answer.on('end', () =>
            answer.statusCode === wanted ? resolve() : reject(new Error(`${address}: ${answer.statusCode}`)),
          );
        });
        sent.on('error', reject);
        sent.end(body === undefined ? undefined : JSON.stringify(body()));
      });
    let submitted = commits;
    const { prisma } = api.lineage;
    const works: Readonly<Record<string, () => Promise<unknown>>> = {
      'bare Fastify, the same answer': ask(theirs, 200),
      'bare Prisma, the row of a version': () => prisma.version.findFirst({ where: { id: version } }),
      'read a version': ask(`${ours}${versionPath}`, 200),
      'read the newest 20 of a log': ask(`${ours}${logPath}?limit=20`, 200),
      'list jobs, 20': ask(`${ours}/v1/jobs?limit=20`, 200),
      'submit a job of one edit': ask(`${ours}/v1/edit_jobs`, 202, () => submit(submitted++)),
    };
    const found = new Map<string, Found[]>(Object.keys(works).map((name) => [name, []]));
    for (let round = 0; round < rounds; round++)
      for (const [name, work] of Object.entries(works))
        found.get(name)!.push(await measure(work, connections, seconds));
    console.log(`${connections} at once, ${rounds} rounds of ${seconds} s, ${commits} commits before; medians`);
    console.log('| what | a second | p50 ms | p99 ms |\n|---|---|---|---|');
    for (const [name, results] of found) {
      const of = (at: number) => median(results.map(({ latencies }) => latencies[Math.floor(latencies.length * at)]!));
      const perSecond = median(results.map((result) => result.perSecond));
      console.log(`| ${name} | ${perSecond.toFixed(0)} | ${of(0.5).toFixed(1)} | ${of(0.99).toFixed(1)} |`);
    }
    agent.destroy();
  } finally {
    await bare.close();
    await api.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(work: () => Promise<unknown>, connections: number, seconds: number): Promise<Found> {
  const latencies: number[] = [];
  const begun = performance.now();
  const until = begun + seconds * 1000;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < until) {
        const sent = performance.now();
        await work();
        latencies.push(performance.now() - sent);
      }
    }),
  );
  const perSecond = latencies.length / ((performance.now() - begun) / 1000);
  return { perSecond, latencies: latencies.sort((a, b) => a - b) };
}
