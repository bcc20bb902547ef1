// Server-sent events of one job: what has happened, then what happens, until it has ended.
import { Readable } from 'node:stream';
import { isTerminal, type JobEvent, type JobState, type Problem, withSignal } from '@errata/contracts';
import type { EventFeed } from './event-feed.ts';

export interface StreamSource {
  /** The job's state, read before its events: when it is terminal, the events that follow are all there are. */
  readonly state: () => Promise<JobState>;
  readonly events: (after: number, limit: number) => Promise<readonly JobEvent[]>;
  /** Why the reader may read no longer; asked before each batch of events and each heartbeat. */
  readonly refusal: () => Promise<Problem | null>;
}

export interface StreamOptions {
  readonly jobId: string;
  readonly after: number;
  readonly feed: EventFeed;
  readonly heartbeatMs: number;
  /** Ends the stream early: the server is closing. Clients come back with the last id they saw. */
  readonly closing: AbortSignal;
}

const batch = 500;

const formatEvent = (event: JobEvent): string =>
  `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** The last event of a stream that breaks off: a problem, and no event of the job. */
const formatProblem = (problem: Problem): string => `event: error\ndata: ${JSON.stringify(problem)}\n\n`;

/** A stream that ends after the event which ended the job. Its consumer's leaving ends it too, and so does losing the right to read it. */
export function eventStream(source: StreamSource, options: StreamOptions): Readable {
  const gone = new AbortController();
  const stream = Readable.from(write(source, options, gone.signal), { objectMode: false, highWaterMark: 16 * 1024 });
  stream.once('close', () => gone.abort());
  return stream;
}

async function* write(
  source: StreamSource,
  { jobId, feed, heartbeatMs, closing, ...options }: StreamOptions,
  gone: AbortSignal,
): AsyncGenerator<string> {
  let { after } = options;
  // Tells clients that reconnect by themselves how soon, and makes the headers leave at once.
  yield 'retry: 1000\n\n';
  while (!gone.aborted && !closing.aborted) {
    const refusal = await source.refusal();
    if (refusal !== null) {
      yield formatProblem(refusal);
      return;
    }
    const state = await source.state();
    const events = await source.events(after, batch);
    for (const event of events) {
      after = event.id;
      yield formatEvent(event);
    }
    if (events.length === batch) continue;
    if (isTerminal(state)) return;
    // The job ended between the two reads.
    if (events.some((event) => isTerminal(event.state))) continue;
    const quiet = await withSignal({ follow: [gone, closing], timeoutMs: heartbeatMs }, async (beat) => {
      await feed.news(jobId, after, beat);
      return beat.aborted;
    });
    if (quiet && !gone.aborted && !closing.aborted) yield ': heartbeat\n\n';
  }
}
