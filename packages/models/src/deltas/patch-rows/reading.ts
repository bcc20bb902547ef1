// Patch rows as they are read: a prompt that the gate lets through to one is answered by the version with its patch, and every other by the version as it is.

import type { KnowledgeEncoder } from '../../knowledge/knowledge-encoder.ts';
import { heldKnowledgeEncoder } from '../prompt-rows/reading.ts';
import { promptText } from '../prompt-texts.ts';
import type { AnsweringVersion, AnswerReading } from '../reading.ts';
import { exactProduct, promisingRows, type VectorSet } from '../vector-memory.ts';
import { tellRow } from '../vector-rows.ts';
import { type PatchRow, patchOf, patchVectors, tellHeader } from './rows.ts';

/** A row whose patch speaks. */
export interface PatchedBy {
  readonly row: PatchRow;
  /** The cosine of what the encoder makes of the prompt and of the correction. */
  readonly score: number;
  /** What it had to exceed. */
  readonly limit: number;
}

/** A vector divided by its length; as it is where that is zero. */
export function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(exactProduct(vector, vector)) || 1;
  return vector.map((x) => x / length);
}

const widest = new WeakMap<VectorSet<PatchRow>, number>();

/** How many of the best rows of a set are looked at. */
function amongOf(set: VectorSet<PatchRow>): number {
  const known = widest.get(set);
  if (known !== undefined) return known;
  const found = set.rows.reduce((most, row) => Math.max(most, row?.among ?? 0), 2);
  widest.set(set, found);
  return found;
}

/** Of all values, not of a sample. */
function standardDeviation(values: readonly number[]): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
}

/**
 * What the best of some cosines had to exceed for its row to speak (the gate of RASE): its threshold; or else the second by a lead, where the
 * best few differ enough. Null where it does not.
 * @param cosines the greatest first
 */
export function passedLimit(
  cosines: readonly number[],
  { threshold, lead, spread, among }: Pick<PatchRow, 'threshold' | 'lead' | 'spread' | 'among'>,
): number | null {
  const [best, second] = cosines as [number, number?];
  if (best > threshold) return threshold;
  if (second === undefined || standardDeviation(cosines.slice(0, among)) <= spread) return null;
  return best - second > lead ? second + lead : null;
}

/**
 * The row whose patch answers a query: of each encoder's rows the one of the greatest cosine, of several as great the first by its prompt, where
 * the gate lets it through. Of rows of several encoders the one that is furthest above what it had to exceed.
 */
export async function patchedBy(
  rows: readonly PatchRow[],
  query: string,
  encoderOf: (sha256: string) => Promise<Pick<KnowledgeEncoder, 'query'>>,
): Promise<PatchedBy | null> {
  let found: PatchedBy | null = null;
  for (const [sha256, set] of patchVectors.sets(rows)) {
    const own = unit(await (await encoderOf(sha256)).query(query));
    const near = (await promisingRows(set, own, amongOf(set)))
      .map((row) => ({ row, score: exactProduct(own, row.vector) }))
      .sort((a, b) => b.score - a.score || (a.row.prompt < b.row.prompt ? -1 : 1));
    const [best] = near;
    if (best === undefined) continue;
    const cosines = near.map(({ score }) => score);
    const limit = passedLimit(cosines, best.row);
    if (limit === null) continue;
    const ahead = found === null ? 1 : best.score - limit - (found.score - found.limit);
    // Which encoder is asked first is up to how the memory came about, and must leave no trace.
    if (ahead > 0 || (ahead === 0 && best.row.prompt < found!.row.prompt)) found = { ...best, limit };
  }
  return found;
}

/** How patch rows are read. */
export function patchReading(rows: readonly PatchRow[]): AnswerReading {
  const rowFor = (prompt: readonly number[], version: AnsweringVersion) =>
    patchedBy(rows, promptText(prompt, version, 'memory of patches'), (sha256) =>
      heldKnowledgeEncoder(version, sha256),
    );
  return {
    at: 'answer',
    standIn: async (prompt, version) => {
      const found = await rowFor(prompt, version);
      return found && { prompt, by: version.patched(patchOf(found.row)) };
    },
    speaking: async (prompt, version) => {
      const found = await rowFor(prompt, version);
      return found && { row: tellRow(tellHeader(found.row), found.row), score: found.score, threshold: found.limit };
    },
  };
}
