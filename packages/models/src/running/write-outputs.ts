// Outputs of an encoder-decoder while they are written: those to the inputs of one batch, which stay together to the last.

import { float32Data, type HostTensors, int32Data } from '@errata/graph';
import type { Runner } from './forward.ts';
import { makeKeyValueCache } from './kv-cache.ts';
import { asGiven } from './prompts.ts';
import { readPieces } from './reading.ts';
import type { Writing } from './writing.ts';

/**
 * Writes an output to each input.
 * @param forward over the inputs, a row each
 * @param firstToken that every output begins behind
 */
export async function writeOutputs(
  forward: Runner,
  firstToken: number,
  writings: readonly Writing[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { spec } = forward;
  const run = (feeds: HostTensors) => forward.run(feeds, []);
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
  const pieces = writings.map(() => ({ reading: { prompt: asGiven([firstToken]), keysValues: {}, read: 0 }, to: 1 }));
  take(await readPieces(spec, run, pieces, wantsLogits));
  const cache = makeKeyValueCache(forward);
  for (const { reading } of pieces) cache.add(reading.keysValues, { time: 1, sequence: 0, ranges: [[0, 1]] });
  while (running()) {
    // A finished one repeats its last token.
    const last = writings.map(({ tokens }) => tokens.at(-1) ?? 0);
    take(await cache.step(run, last, wantsLogits));
  }
}
