// Outputs of an encoder-decoder while they are written: those to the inputs of one batch, which stay together to the last.

import { float32Data, type HostTensors, int32Data } from '@errata/graph';
import type { Runner } from './forward.ts';
import { makeKeyValueCache } from './kv-cache.ts';
import { placedIn, type ReadPrompt } from './prompts.ts';
import { readPieces } from './reading.ts';
import type { Writing } from './writing.ts';

/**
 * Writes an output to each input.
 * @param forward over what was read for the prompts, a row each
 */
export async function writeOutputs(
  forward: Runner,
  prompts: readonly ReadPrompt[],
  writings: readonly Writing[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { spec } = forward;
  const wantsLogits = writings.flatMap(({ needsLogits }, row) => (needsLogits ? [row] : []));
  const running = () => {
    signal?.throwIfAborted();
    return writings.some((writing) => !writing.finished());
  };
  const take = ({ best, logits }: HostTensors) => {
    for (const [row, writing] of writings.entries()) {
      if (writing.finished()) continue;
      const at = wantsLogits.indexOf(row) * spec.vocab;
      const own = writing.needsLogits ? float32Data(logits!).subarray(at, at + spec.vocab) : undefined;
      writing.take(int32Data(best!)[row]!, own);
    }
  };
  if (!running()) return;
  const pieces = prompts.map((prompt) => ({ reading: { prompt, keysValues: {}, read: 0 }, to: prompt.ids.length }));
  const whole = (feeds: HostTensors, time: number) =>
    forward.run(
      feeds,
      prompts.map((prompt, row) => placedIn({ time }, row, prompt)),
    );
  take(await readPieces(spec, whole, pieces, wantsLogits));
  const cache = makeKeyValueCache(forward);
  for (const { reading } of pieces)
    cache.add(reading.keysValues, { time: reading.read, sequence: 0, ranges: [[0, reading.read]] });
  const run = (feeds: HostTensors) => forward.run(feeds, []);
  while (running()) {
    // A finished one repeats its last token.
    const last = writings.map(({ tokens }) => tokens.at(-1) ?? 0);
    take(await cache.step(run, last, wantsLogits));
  }
}
