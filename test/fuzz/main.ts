// `npm run fuzz -- --count 100000 --seed 1`: how a server answers requests that were made up; fails on any that it does not answer as it should.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '@errata/local-services';
import { fuzz } from './requests.ts';

const { values: options } = parseArgs({
  options: { count: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const folder = await mkdtemp(join(tmpdir(), 'errata-fuzz-'));
await chmod(folder, 0o755); // PostgreSQL may have to run as another user
const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
try {
  const { findings, ...report } = await fuzz({
    count: Number(options.count),
    seed: Number(options.seed),
    postgresUrl: postgres.url,
    onProgress: (sent, found) => console.error(`${sent} sent, ${found} wrong`),
  });
  for (const { request, ...finding } of findings.slice(0, 50))
    console.log(JSON.stringify({ ...finding, ...request, payload: String(request.payload ?? '').slice(0, 1000) }));
  console.log(JSON.stringify({ ...report, wrong: findings.length }, null, 2));
  process.exitCode = findings.length === 0 ? 0 : 1;
} finally {
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}
