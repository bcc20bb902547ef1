// An answer as server-sent events: chunks while it is written, usage where it was asked for, and `[DONE]`.
import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { Completion, CompletionPart } from '@errata/engine';
import type { About, Shape, Usage } from './shapes.ts';

/** An answer that is being written: its parts as they come, and its end. */
export interface Answering {
  /** Ends where the work ends or fails. */
  readonly parts: AsyncIterable<CompletionPart>;
  readonly completions: Promise<readonly Completion[]>;
}

/**
 * Begins to write an answer.
 * @param work is given what takes parts
 * @throws what `work` does before it has given a part
 */
export async function beginAnswer(
  work: (onPart: (part: CompletionPart) => void) => Promise<readonly Completion[]>,
): Promise<Answering> {
  // Whoever reads slowly keeps nobody waiting: what it has not read is kept here.
  const parts = new Readable({ objectMode: true, read: () => {} });
  const completions = work((part) => parts.push(part)).finally(() => parts.push(null));
  await Promise.race([once(parts, 'readable'), completions]);
  // It has ended without a part, or failed.
  if (parts.readableLength === 0) await completions;
  // Where it fails later, whoever reads is told.
  completions.catch(() => {});
  return { parts, completions };
}

export interface StreamOptions {
  readonly about: About;
  readonly includeUsage: boolean;
  readonly usageOf: (completions: readonly Completion[]) => Usage;
  /** What is said with the end of an answer beside {@link StreamOptions.about}. */
  readonly ending: (completions: readonly Completion[]) => Partial<About>;
  /** An error in the words of an answer. */
  readonly explain: (error: unknown) => object;
}

const event = (data: object | string): string => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

/** Breaks off with an `error` where the work fails: the status of the answer is told by then. */
export function completionStream<Chunk extends object>(
  shape: Shape<object, Chunk>,
  answering: Answering,
  options: StreamOptions,
): Readable {
  return Readable.from(write(shape, answering, options), { objectMode: false });
}

async function* write<Chunk extends object>(
  shape: Shape<object, Chunk>,
  { parts, completions }: Answering,
  { about, includeUsage, usageOf, ending, explain }: StreamOptions,
): AsyncGenerator<string> {
  const said = (chunk: Chunk) => event(includeUsage ? { usage: null, ...chunk } : chunk);
  const opened = new Set<number>();
  const open = (index: number): string => {
    const opening = opened.has(index) ? null : shape.opening(about, index);
    opened.add(index);
    return opening === null ? '' : said(opening);
  };
  try {
    for await (const { index, ...piece } of parts) yield open(index) + said(shape.piece(about, index, piece));
    const all = await completions;
    const ended = { ...about, ...ending(all) };
    for (const [index, { finish_reason }] of all.entries())
      yield open(index) + said(shape.closing(ended, index, finish_reason));
    if (includeUsage) yield said(shape.usage(about, usageOf(all)));
    yield event('[DONE]');
  } catch (error) {
    yield event(explain(error));
  }
}
