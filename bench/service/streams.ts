// What many open event streams cost an API process, and how soon they hear of an event.
import { readFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@errata/local-services';
import { type ApiFixture, anEdit } from '../../test/support/api.ts';
import { median } from '../median.ts';
import { processorSeconds } from '../processor-time.ts';
import { startProgram } from './processes.ts';

const perJob = 10;
const watchedSeconds = 20;

/** Streams of jobs that wait, ten for each. */
export async function watchStreams(api: ApiFixture, count: number): Promise<void> {
  await api.importModel('atlas');
  const jobs: string[] = [];
  for (let n = 0; n < count / perJob; n++) {
    const { body } = await api.post('/v1/edit_jobs', { model: 'atlas', edits: [anEdit(`c${n}`)] });
    jobs.push(body.id);
  }
  const port = await freePort();
  const { databaseUrl: DATABASE_URL, blobsDir: BLOBS_DIR } = api;
  const limits = { RATE_LIMIT: '0', STREAMS_PER_KEY: '0' };
  const program = await startProgram('api', { DATABASE_URL, BLOBS_DIR, PORT: String(port), ...limits });
  const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });
  try {
    const headers = { authorization: `Bearer ${api.key}`, accept: 'text/event-stream' };
    const open = (job: string) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        get(`http://127.0.0.1:${port}/v1/jobs/${job}/events`, { agent, headers }, (answer) => {
          if (answer.statusCode === 200) resolve(answer.setEncoding('utf8'));
          else reject(new Error(`a stream was answered with ${answer.statusCode}`));
        }).on('error', reject);
      });
    const one = await open(jobs[0]!);
    one.resume();
    await sleep(1_000);
    const before = mebibytes(program.pid);
    const streams = new Map<string, IncomingMessage[]>();
    for (const job of jobs) streams.set(job, await Promise.all(Array.from({ length: perJob }, () => open(job))));
    for (const stream of [...streams.values()].flat()) stream.resume();
    await sleep(1_000);
    const [opened, spent] = [mebibytes(program.pid), processorSeconds(program.pid) ?? 0];
    await sleep(watchedSeconds * 1_000);
    const share = ((processorSeconds(program.pid) ?? 0) - spent) / watchedSeconds;
    const later = mebibytes(program.pid);
    const delays: number[] = [];
    for (const job of jobs.slice(0, 20)) {
      const heard = streams.get(job)!.map(
        (stream) =>
          new Promise<void>((resolve) => {
            stream.on('data', (text: string) => void (text.includes('cancelled') && resolve()));
          }),
      );
      const asked = performance.now();
      await api.post(`/v1/jobs/${job}/cancel`, {});
      await Promise.all(heard);
      delays.push(performance.now() - asked);
    }
    console.log(`\n${count} event streams of ${jobs.length} jobs to one API process`);
    console.log(
      '| memory with one | with all | after 20 s | processor while nothing happens | until ten hear of an event |',
    );
    console.log('|---|---|---|---|---|');
    const cells = [before, opened, later].map((value) => `${value.toFixed(0)} MiB`);
    console.log(`| ${cells.join(' | ')} | ${(share * 100).toFixed(1)} % of a core | ${median(delays).toFixed(0)} ms |`);
  } finally {
    agent.destroy();
    await program.stop();
  }
}

const mebibytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
