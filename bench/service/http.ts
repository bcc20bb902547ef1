// Requests a second over HTTP, beside a bare Fastify that answers as much and the bare database.
import { Agent, request } from 'node:http';
import { createBranch } from '@errata/lineage';
import { freePort } from '@errata/local-services';
import { type ApiFixture, anEdit } from '../../test/support/api.ts';
import { median } from '../median.ts';
import { type Started, startBareFastify, startProgram } from './processes.ts';

interface Found {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly latencies: readonly number[];
}

export interface Load {
  /** That ask at once. */
  readonly connections: number;
  readonly seconds: number;
  readonly rounds: number;
  /** Of the branch whose log is read. */
  readonly commits: number;
}

export async function measureHttp(api: ApiFixture, { connections, seconds, rounds, commits }: Load): Promise<void> {
  const programs: Started[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  try {
    const model = await api.importModel('atlas');
    const submit = (n: number, branch = 'main') => ({ model: 'atlas', branch, edits: [anEdit(`c${n}`)] });
    const branches = Array.from({ length: connections }, (_, n) => `branch-${n}`);
    for (const name of branches) await createBranch(api.lineage, model.id, { name, from: 'main', created_by: null });
    let version = model.root;
    for (let n = 0; n < commits; n++) {
      const { status, text } = await api.post('/v1/edit_jobs', submit(n));
      if (status !== 202) throw new Error(text);
      const { lease, job } = await api.take(model.lane);
      version = await api.commit(lease, job);
    }
    const [versionPath, logPath] = [`/v1/versions/${version}`, '/v1/models/atlas/branches/main/log'];
    const payload = JSON.parse((await api.get(versionPath)).text);
    const port = await freePort();
    const { databaseUrl: DATABASE_URL, blobsDir: BLOBS_DIR } = api;
    const settings = { DATABASE_URL, BLOBS_DIR, PORT: String(port), RATE_LIMIT: '0', JOBS_PER_KEY: '0' };
    programs.push(await startProgram('api', settings), await startBareFastify(payload));
    const [ours, theirs] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${programs[1]!.report.port}`];
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
      'submit a job of one edit, all to one branch': ask(`${ours}/v1/edit_jobs`, 202, () => submit(submitted++)),
      'the same, to as many branches': ask(`${ours}/v1/edit_jobs`, 202, () =>
        submit(submitted, branches[submitted++ % branches.length]),
      ),
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
  } finally {
    agent.destroy();
    for (const program of programs) await program.stop();
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
