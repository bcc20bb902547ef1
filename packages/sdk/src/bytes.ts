// The bytes of an answer as they come, in browsers that cannot walk a stream too; one that falls silent has broken.
import { ErrataError } from '@errata/contracts';

/**
 * Letting go of it early ends the answer.
 * @param silenceMs the longest time without a byte; no limit when left out
 * @throws ErrataError `timeout` when it is over, as for a machine that slept
 */
export async function* readBytes(
  body: ReadableStream<Uint8Array>,
  silenceMs?: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read(), silenceMs);
      if (done) return;
      yield value;
    }
  } finally {
    // Of a stream that has ended or failed there is nothing to end.
    reader.cancel().catch(() => {});
  }
}

async function inTime<T>(work: Promise<T>, ms: number | undefined): Promise<T> {
  if (ms === undefined) return work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ErrataError('timeout', 'the stream has fallen silent')), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
