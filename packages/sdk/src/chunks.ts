// An answer that is read while it is written: server-sent events up to `[DONE]`.
import type { Problem } from '@errata/contracts';
import { createParser } from 'eventsource-parser';
import { readBytes } from './bytes.ts';
import { ErrataApiError } from './errors.ts';
import type { CallOptions, Transport } from './transport.ts';

/**
 * Asks for an answer and gives its chunks. One that breaks off is not taken up again: what is left of it cannot be asked for.
 * @throws ErrataApiError also for the problem that a stream breaks off with
 */
export async function* readChunks<Chunk>(
  transport: Transport,
  path: string,
  request: object,
  call: CallOptions = {},
): AsyncGenerator<Chunk> {
  const body = { ...request, stream: true };
  const { body: stream } = await transport.send('POST', path, { ...call, body, streaming: true });
  const arrived: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => arrived.push(data) });
  const decoder = new TextDecoder();
  if (stream === null) return;
  for await (const bytes of readBytes(stream)) {
    parser.feed(decoder.decode(bytes, { stream: true }));
    for (const data of arrived.splice(0)) {
      if (data === '[DONE]') return;
      const chunk = JSON.parse(data) as Chunk | Problem;
      if (typeof chunk === 'object' && chunk !== null && 'error' in chunk)
        throw new ErrataApiError(chunk, chunk.request_id, null);
      yield chunk as Chunk;
    }
  }
}
