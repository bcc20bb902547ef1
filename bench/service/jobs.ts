// What a job takes beside its model: from its submission to its end by the rows of the database, less what its engine was at by its traces.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { EditInput } from '@errata/contracts';
import type { ApiFixture } from '../../test/support/api.ts';
import { type ReceivedSpan, startOtlpReceiver } from '../../test/support/otlp-receiver.ts';
import { median } from '../median.ts';
import { startProgram } from './processes.ts';

const shipped = fileURLToPath(new URL('../../models/atlas', import.meta.url));
const sizes = [1, 10] as const;

interface Ended {
  readonly state: string;
  readonly ms: number;
}

/** Jobs of one edit and of many on the shipped model, with one worker that has nothing else to do. */
export async function timeJobs(api: ApiFixture, editor: string, count: number): Promise<void> {
  const receiver = await startOtlpReceiver();
  const worker = await startProgram('worker', {
    DATABASE_URL: api.databaseUrl,
    BLOBS_DIR: api.blobsDir,
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  });
  const end = async (path: string, body: unknown): Promise<{ readonly id: string } & Ended> => {
    const { status, text } = await api.post(path, body);
    if (status !== 202) throw new Error(text);
    const { id } = JSON.parse(text) as { id: string };
    for (;;) {
      const [row] = (await api.query(
        'SELECT state, extract(epoch FROM finished_at - created_at) * 1000 AS ms FROM jobs WHERE id = $1',
        [id],
      )) as unknown as [Ended & { ms: string | null }];
      if (row.ms !== null) return { id, state: row.state, ms: Number(row.ms) };
      await sleep(20);
    }
  };
  try {
    await end('/v1/models', { name: 'shipped', path: shipped });
    const corrections = (await readFile(`${shipped}/edits.jsonl`, 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line): EditInput => JSON.parse(line));
    let next = 0;
    const batch = (size: number) =>
      Array.from({ length: size }, () => {
        next += 1;
        return { ...corrections[next % corrections.length]!, custom_id: `c${next}` };
      });
    const submit = (size: number) =>
      end('/v1/edit_jobs', { model: 'shipped', editor, gate: { rules: [] }, edits: batch(size) });
    await submit(1); // what is opened and built once
    console.log(`\njobs by ${editor} on atlas, one after another; medians of ${count}, ms`);
    console.log('| edits | a job | its model | beside it | of that before it was taken |\n|---|---|---|---|---|');
    for (const size of sizes) {
      const found: { whole: number; model: number; queued: number }[] = [];
      for (let n = 0; n < count; n++) {
        const { id, state, ms } = await submit(size);
        if (state !== 'succeeded' && state !== 'completed_with_errors') throw new Error(`${id} is ${state}`);
        const spans = await receiver.until(() => spansOf(receiver.spans, id));
        found.push({ whole: ms, ...spans });
      }
      const of = (value: (each: (typeof found)[number]) => number) => median(found.map(value)).toFixed(0);
      const beside = of(({ whole, model }) => whole - model);
      console.log(
        `| ${size} | ${of(({ whole }) => whole)} | ${of(({ model }) => model)} | ${beside} | ${of(({ queued }) => queued)} |`,
      );
    }
  } finally {
    await worker.stop();
    await receiver.close();
  }
}

type Timed = ReceivedSpan & { readonly startTimeUnixNano: string; readonly endTimeUnixNano: string };

/** Milliseconds that the engine was at a job, and that it waited; undefined until its traces have come. */
function spansOf(all: readonly ReceivedSpan[], job: string): { model: number; queued: number } | undefined {
  const spans = all as readonly Timed[];
  const own = spans.find(({ name, attributes }) => name === 'job edit' && attributes['errata.job'] === job);
  if (own === undefined) return undefined;
  const ms = (span: Timed) => Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6;
  const trace = spans.filter(({ traceId }) => traceId === own.traceId);
  const engine = trace.filter(({ service }) => service === 'errata-engine');
  const applied = engine.some(({ name }) => name === 'engine applyEdits');
  const evaluated = engine.some(({ name }) => name === 'engine evaluateCandidate');
  if (!applied || !evaluated) return undefined;
  const queued = trace.filter(({ name }) => name === 'queue');
  const sum = (of: readonly Timed[]) => of.reduce((total, span) => total + ms(span), 0);
  return { model: sum(engine), queued: sum(queued) };
}
