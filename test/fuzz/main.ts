// `npm run fuzz -- --count 100000 --seed 1`: how a server answers requests that were made up; with --files, what is made of wrong files. Fails on
// anything that is not answered, or refused, as it should be.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '@errata/local-services';
import { formats } from './files/formats.ts';
import { runFormats } from './files/run.ts';
import { fuzz } from './requests.ts';

const { values: options } = parseArgs({
  options: {
    /** Requests; of files, those of each format. */
    count: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    files: { type: 'boolean', default: false },
    /** One format of files; all when left out. */
    format: { type: 'string' },
    /** The number of the first file. */
    from: { type: 'string', default: '0' },
    /** Where files that are read wrongly are left. */
    keep: { type: 'string', default: '.errata/fuzz' },
  },
});
const count = Number(options.count);
const seed = Number(options.seed);
const folder = await mkdtemp(join(tmpdir(), 'errata-fuzz-'));
await chmod(folder, 0o755); // PostgreSQL may have to run as another user

async function files(): Promise<number> {
  const names = formats.map(({ name }) => name);
  const chosen = options.format === undefined ? names : names.filter((name) => name === options.format);
  if (chosen.length === 0) throw new Error(`--format is one of ${names.join(', ')}`);
  const { reports, findings } = await runFormats({
    formats: chosen,
    count,
    seed,
    from: Number(options.from),
    keep: options.keep,
    scratch: join(folder, 'files'),
    say: (line) => console.error(line),
  });
  console.table(reports.map((report) => ({ ...report, seconds: Math.round(report.seconds) })));
  console.log(`${reports.reduce((sum, report) => sum + report.files, 0)} files, ${findings.length} wrong`);
  return findings.length;
}

async function requests(): Promise<number> {
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
  try {
    const { findings, ...report } = await fuzz({
      count,
      seed,
      postgresUrl: postgres.url,
      onProgress: (sent, found) => console.error(`${sent} sent, ${found} wrong`),
    });
    for (const { request, ...finding } of findings.slice(0, 50))
      console.log(JSON.stringify({ ...finding, ...request, payload: String(request.payload ?? '').slice(0, 1000) }));
    console.log(JSON.stringify({ ...report, wrong: findings.length }, null, 2));
    return findings.length;
  } finally {
    await postgres.stop();
  }
}

try {
  process.exitCode = (await (options.files ? files() : requests())) === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
