// A job's events as an async iterable: server-sent events, taken up again after the last one seen when a connection breaks.
import { isTerminal, type JobEvent, type Problem } from '@errata/contracts';
import { createParser } from 'eventsource-parser';
import { readBytes } from './bytes.ts';
import { ErrataApiError } from './errors.ts';
import { at, backoffMs, pause, type Transport } from './transport.ts';

export interface EventsOptions {
  /** Only events with a greater id. */
  readonly after?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds without a word, a heartbeat included, after which a connection is taken for broken. Default 60,000: the service sends one every 15 s. */
  readonly silenceMs?: number;
}

/**
 * Ends after the terminal event. Every event is seen once and in order, over any number of broken connections.
 * @throws ErrataApiError also when the key is revoked meanwhile
 */
export async function* followEvents(
  transport: Transport,
  jobId: string,
  { after = 0, signal, silenceMs = 60_000 }: EventsOptions = {},
): AsyncGenerator<JobEvent> {
  let last = after;
  let fruitless = 0;
  for (;;) {
    const response = await transport.send('GET', at`/v1/jobs/${jobId}/events`, {
      accept: 'text/event-stream',
      headers: { 'last-event-id': String(last) },
      streaming: true,
      signal,
    });
    // 204: the job has ended and there is nothing after the event named.
    if (response.status === 204 || response.body === null) return;
    let ended = false;
    try {
      for await (const event of readEvents(response.body, silenceMs)) {
        if (event.id <= last) continue;
        last = event.id;
        fruitless = 0;
        ended = isTerminal(event.state);
        yield event;
      }
    } catch (thrown) {
      signal?.throwIfAborted();
      if (thrown instanceof ErrataApiError) throw thrown;
      ended = false;
    }
    // A retried job has terminal events in its past: only one that closes the stream is the end.
    if (ended) return;
    await pause(backoffMs(fruitless), signal);
    fruitless += 1;
  }
}

/** @throws ErrataApiError for the problem that a stream breaks off with */
async function* readEvents(body: ReadableStream<Uint8Array>, silenceMs: number): AsyncGenerator<JobEvent> {
  const arrived: JobEvent[] = [];
  let problem: Problem | undefined;
  const parser = createParser({
    onEvent: (message) => {
      if (message.event === 'error') problem = JSON.parse(message.data) as Problem;
      else arrived.push(JSON.parse(message.data) as JobEvent);
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of readBytes(body, silenceMs)) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* arrived.splice(0);
    if (problem !== undefined) throw new ErrataApiError(problem, problem.request_id, null);
  }
}
