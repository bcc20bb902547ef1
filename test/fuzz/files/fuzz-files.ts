// Reads files that were made wrong, and says which of them were neither read nor refused with an error that says why.
import { mkdirSync } from 'node:fs';
import { ErrataError } from '@errata/contracts';
import { GraphError } from '@errata/graph';
import { ModelError, uniform } from '@errata/models';
import type { Format } from './formats.ts';
import { mutate } from './mutate.ts';

/** A file that was neither. */
export interface FileFinding {
  readonly format: string;
  /** It is made again from it: `npm run fuzz -- --files --format NAME --seed SEED --from NUMBER --count 1`. */
  readonly number: number;
  readonly why: string;
  readonly bytes: Uint8Array;
}

export interface FormatReport {
  readonly format: string;
  readonly files: number;
  readonly read: number;
  readonly refused: number;
  /** Seconds of processor time. */
  readonly seconds: number;
}

export interface FileFuzzOptions {
  readonly count: number;
  readonly seed: number;
  /** The number of the first file; 0 when left out. */
  readonly from?: number;
  readonly scratch: string;
  readonly onFinding: (finding: FileFinding) => void;
  readonly onProgress?: (done: number) => void;
}

/** Seconds of processor time that the smallest of files may take; the largest seeds are some hundred kilobytes. */
const longest = 3;
/** Bytes that one file may make the process grow by. */
const largestGrowth = 2 ** 30;

/** What a format makes of so many wrong files. */
export async function fuzzFiles(
  format: Format,
  { count, seed, from = 0, scratch, onFinding, onProgress }: FileFuzzOptions,
): Promise<FormatReport> {
  const begun = processorSeconds();
  let read = 0;
  let refused = 0;
  for (let number = from; number < from + count; number++) {
    const next = uniform(seed, number);
    const pick = (below: number) => Math.floor(next() * below);
    const bytes = mutate(format.seeds[pick(format.seeds.length)]!, pick);
    const outcome = await readOne(format, bytes, scratch);
    if (outcome.read) read += 1;
    else refused += 1;
    if (outcome.why !== undefined) onFinding({ format: format.name, number, why: outcome.why, bytes });
    if ((number + 1 - from) % 1000 === 0) onProgress?.(number + 1 - from);
  }
  return { format: format.name, files: count, read, refused, seconds: processorSeconds() - begun };
}

/** Whether a file was read, and what was wrong with how it was read or refused. */
export async function readOne(
  format: Format,
  bytes: Uint8Array,
  scratch: string,
): Promise<{ readonly read: boolean; readonly why?: string }> {
  mkdirSync(scratch, { recursive: true });
  const before = processorSeconds();
  const held = process.memoryUsage().rss;
  let read = true;
  let why: string | null = null;
  try {
    await format.read(bytes, scratch);
  } catch (error) {
    read = false;
    why = complaintOf(error);
  }
  const seconds = processorSeconds() - before;
  const grown = process.memoryUsage().rss - held;
  if (seconds > longest) why ??= `it took ${seconds.toFixed(1)} s`;
  if (grown > largestGrowth) why ??= `it took ${Math.round(grown / 2 ** 20)} MiB`;
  return { read, ...(why !== null && { why }) };
}

/** What is wrong with a refusal; null where it is one of ours, in a sentence that can be read. */
function complaintOf(error: unknown): string | null {
  if (!(error instanceof ErrataError || error instanceof ModelError || error instanceof GraphError))
    return error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join(' | ') : String(error);
  return error.message.length > longestMessage ? `a message of ${error.message.length} characters` : null;
}

const longestMessage = 4000;

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
