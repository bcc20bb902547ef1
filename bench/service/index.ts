// What a service does in a second: reads, logs and submissions over HTTP, wake-ups, jobs; beside bare Fastify, Prisma and BullMQ in one run.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '@errata/local-services';
import { type ApiFixture, openApi } from '../../test/support/api.ts';
import { measureHttp } from './http.ts';
import { timeJobs } from './jobs.ts';
import { compareQueues } from './queues.ts';
import { watchStreams } from './streams.ts';

const usage = `usage: npm run bench -- service [options]
  --connections COUNT  that ask at once, default 20
  --seconds COUNT      of each measurement, default 3
  --rounds COUNT       in each of which everything is measured once, default 3
  --commits COUNT      of the branch whose log is read, default 200
  --jobs COUNT         of each size, one after another, default 10
  --editor NAME        that these are made by, default r-rome
  --streams COUNT      of events that are open at once, default 1000
  --only PARTS         of http, queues, jobs, streams; all of them unless given
`;

const parts = ['http', 'queues', 'jobs', 'streams'] as const;

export async function main(args: readonly string[]): Promise<void> {
  const options = {
    connections: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    commits: { type: 'string', default: '200' },
    jobs: { type: 'string', default: '10' },
    editor: { type: 'string', default: 'r-rome' },
    streams: { type: 'string', default: '1000' },
    only: { type: 'string', default: parts.join(',') },
  } as const;
  const given = (() => {
    try {
      return parseArgs({ args: [...args], options }).values;
    } catch {
      return undefined;
    }
  })();
  const numberOf = (name: 'connections' | 'seconds' | 'rounds' | 'commits' | 'jobs' | 'streams') =>
    Number(given?.[name] ?? 0);
  const [connections, seconds, rounds] = [numberOf('connections'), numberOf('seconds'), numberOf('rounds')];
  const [commits, jobs, streams] = [numberOf('commits'), numberOf('jobs'), numberOf('streams')];
  const chosen = parts.filter((part) => given?.only.split(',').includes(part));
  const isRight = [connections, seconds, rounds, commits, jobs, streams].every((value) => value > 0);
  if (given === undefined || !isRight || chosen.length === 0) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'errata-bench-'));
  await chmod(folder, 0o755); // PostgreSQL may have to run as another user
  const server = await startPostgres({ dataDir: join(folder, 'postgres') });
  const withApi = async (work: (api: ApiFixture) => Promise<void>) => {
    const api = await openApi({ rateLimit: 0, jobsPerKey: 0 }, { postgresUrl: server.url });
    await work(api).finally(() => api.close());
  };
  try {
    if (chosen.includes('http')) await withApi((api) => measureHttp(api, { connections, seconds, rounds, commits }));
    if (chosen.includes('queues')) await compareQueues(server.url, rounds);
    if (chosen.includes('jobs')) await withApi((api) => timeJobs(api, given.editor, jobs));
    if (chosen.includes('streams')) await withApi((api) => watchStreams(api, streams));
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
