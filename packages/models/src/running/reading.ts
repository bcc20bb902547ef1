// Prompts while they are read: in pieces of bounded size, from what was read before, several side by side.

import { float32, float32Data, type HostTensor, type HostTensors } from '@errata/graph';
import { indices } from './feeds.ts';
import type { Runner } from './forward.ts';
import { copyPositions, keyValueNames } from './kv-cache.ts';
import { hidden } from './masks.ts';
import type { ReadPrompt } from './prompts.ts';

/** A prompt that is being read. */
export interface Reading {
  readonly prompt: ReadPrompt;
  /** Keys and values of the positions read so far, and perhaps of others behind them that are not looked at. */
  keysValues: HostTensors;
  /** Positions read so far. */
  read: number;
}

/** A piece of a prompt: what is read of it next, from where its reading is to before `to`. */
export interface Piece {
  readonly reading: Reading;
  readonly to: number;
}

const lengthOf = ({ reading, to }: Piece): number => to - reading.read;

/**
 * Runs a piece of each of some prompts, and keeps their keys and values.
 * @param logitsOf indices of pieces whose logits behind their last tokens are wanted
 * @returns what {@link Runner.run} gives, a row a piece
 */
export async function readPieces(
  spec: Runner['spec'],
  run: (feeds: HostTensors, time: number) => ReturnType<Runner['run']>,
  pieces: readonly Piece[],
  logitsOf: readonly number[],
): Promise<Readonly<Record<string, HostTensor>>> {
  const { kvHeads, headDim, layers } = spec;
  const batch = pieces.length;
  const time = Math.max(...pieces.map(lengthOf));
  const past = Math.max(...pieces.map(({ reading }) => reading.read));
  const ids = new Int32Array(batch * time);
  const positions = new Int32Array(batch * time);
  const seen = past + time;
  const bias = new Float32Array(batch * time * seen).fill(hidden);
  for (const [row, { reading, to }] of pieces.entries()) {
    ids.set(reading.prompt.ids.slice(reading.read, to), row * time);
    for (let t = 0; t < time; t++) {
      // Padding goes on at the last position; nothing looks at it.
      positions[row * time + t] = Math.min(reading.read + t, to - 1);
      const at = (row * time + t) * seen;
      bias.fill(0, at, at + reading.read);
      bias.fill(0, at + past, at + past + t + 1);
    }
  }
  const feeds: Record<string, HostTensor> = {
    ids: indices(ids),
    positions: indices(positions),
    bias: float32([batch, 1, time, seen], bias),
    rows: indices(pieces.map((piece, row) => row * time + lengthOf(piece) - 1)),
    targets: indices(pieces.map(() => 0)),
    logit_rows: indices(logitsOf),
  };
  for (const name of keyValueNames(layers)) {
    const data = new Float32Array(batch * kvHeads * past * headDim);
    for (const [row, { reading }] of pieces.entries())
      if (reading.read > 0) copyPositions(spec, ...before(reading, name), data, { row, slots: past, slot: 0 });
    feeds[`past_${name}`] = float32([batch, kvHeads, past, headDim], data);
  }
  const out = await run(feeds, time);
  for (const [sequence, piece] of pieces.entries()) {
    const { reading, to } = piece;
    const extended: Record<string, HostTensor> = {};
    for (const name of keyValueNames(layers)) {
      const data = new Float32Array(kvHeads * to * headDim);
      const row = { row: 0, slots: to };
      if (reading.read > 0) copyPositions(spec, ...before(reading, name), data, { ...row, slot: 0 });
      const fresh = { time, sequence, ranges: [[0, lengthOf(piece)]] as const };
      copyPositions(spec, float32Data(out[name]!), fresh, data, { ...row, slot: reading.read });
      extended[name] = float32([1, kvHeads, to, headDim], data);
    }
    reading.keysValues = extended;
    reading.read = to;
  }
  return out;
}

/** What was read of a prompt, as {@link copyPositions} takes it. */
function before({ keysValues, read }: Reading, name: string) {
  const { dims } = keysValues[name]!;
  return [float32Data(keysValues[name]!), { time: dims[2]!, sequence: 0, ranges: [[0, read]] as const }] as const;
}
