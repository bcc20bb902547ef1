// Prompts as they are run: with what a version's memories put in front of them.

import { float32, type HostTensors } from '@errata/graph';
import type { EncoderDecoderSpec } from '../architectures/encoder-decoder-spec.ts';
import type { Front, PromptModel, PromptReading } from '../deltas/reading.ts';
import { ModelError } from '../errors.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { indices } from './feeds.ts';

/** A prompt that somebody gave. */
export interface GivenPrompt {
  readonly ids: readonly number[];
  /** Tokens that will stand behind it. */
  readonly behind: number;
}

/** A prompt as it is run. */
export interface ReadPrompt {
  /** 0 wherever an embedding takes a token's place. */
  readonly ids: readonly number[];
  /** Embeddings `[l, width]` of the positions from `at` on. */
  readonly embedded: readonly { readonly at: number; readonly rows: Float32Array }[];
  /** What was put in front of it lies from here to before there. */
  readonly front: readonly [from: number, to: number];
  /** Over an encoder: what that reads, all that was put in front among it. The prompt's `ids` are then what every output begins after. */
  readonly input?: readonly number[];
}

/** Reads prompts, each by itself. @throws ModelError sequence_too_long */
export type PromptReader = (prompts: readonly GivenPrompt[]) => Promise<readonly ReadPrompt[]>;

/** A prompt in front of which nothing is put. */
const asGiven = (ids: readonly number[]): ReadPrompt => ({ ids, embedded: [], front: [0, 0] });

/** A prompt that an encoder reads, with what its tokenizer puts around a text. */
export const asInput = (
  { firstToken }: EncoderDecoderSpec,
  tokenizer: Tokenizer | undefined,
  ids: readonly number[],
): ReadPrompt & Required<Pick<ReadPrompt, 'input'>> => ({
  ...asGiven([firstToken]),
  input: [...ids, ...(tokenizer?.suffixIds ?? [])],
});

/** Lets memories act, each on what was given: where several put something in front, it comes in their order. */
export function promptReader(model: PromptModel, readings: readonly PromptReading[]): PromptReader {
  const { over } = model.spec;
  const read = textReader(model, readings);
  if (over === undefined) return read;
  return async (prompts) => (await read(prompts)).map(({ ids }) => asInput(over, model.tokenizer, ids));
}

function textReader(model: PromptModel, readings: readonly PromptReading[]): PromptReader {
  if (readings.length === 0) return async (prompts) => prompts.map(({ ids }) => asGiven(ids));
  const { context, width } = model.spec;
  return (prompts) =>
    Promise.all(
      prompts.map(async (prompt, index) => {
        const fronts: Front[] = [];
        for (const { front } of readings) {
          const found = await front(prompt.ids, model);
          if (found !== null) fronts.push(found);
        }
        const read = withFronts(prompt, startOf(prompt.ids, model), fronts, width);
        const length = read.ids.length + prompt.behind;
        if (length <= context) return read;
        const put = read.front[1] - read.front[0];
        throw new ModelError('sequence_too_long', {
          where: `sequence ${index}`,
          what: `it has ${length - put} tokens and ${put} that a memory puts in front of it, the model holds ${context}`,
          hint: 'Shorten the text, or ask a version without the memory',
        });
      }),
    );
}

/** Ids that every text of the tokenizer begins with, as far as a prompt has them. */
function startOf(ids: readonly number[], { tokenizer }: PromptModel): number {
  const prefix = tokenizer?.prefixIds ?? [];
  return prefix.every((id, at) => ids[at] === id) ? prefix.length : 0;
}

function withFronts(prompt: GivenPrompt, start: number, fronts: readonly Front[], width: number): ReadPrompt {
  if (fronts.length === 0) return asGiven(prompt.ids);
  const ids = prompt.ids.slice(0, start);
  const embedded: ReadPrompt['embedded'][number][] = [];
  for (const front of fronts) {
    if (front.kind === 'embeddings') {
      embedded.push({ at: ids.length, rows: front.embeddings });
      for (let rows = front.embeddings.length / width; rows > 0; rows--) ids.push(0);
    } else ids.push(...front.ids);
  }
  return { ids: [...ids, ...prompt.ids.slice(start)], embedded, front: [start, ids.length] };
}

/** The position that a token of the prompt as it was given has in it as it is run. */
export const positionIn = ({ front: [from, to] }: ReadPrompt, at: number): number => (at < from ? at : at + to - from);

/** A prompt that lies in a run, from its first row to its last. */
export interface PlacedPrompt {
  readonly first: number;
  readonly last: number;
  readonly embedded: ReadPrompt['embedded'];
}

/** A prompt that begins a row of a batch of so many positions. */
export const placedIn = ({ time }: { readonly time: number }, row: number, prompt: ReadPrompt): PlacedPrompt => ({
  first: row * time,
  last: row * time + prompt.ids.length - 1,
  embedded: prompt.embedded,
});

/** Where prompts are: the last row of each, the rows before it, and which of the prompts each of those belongs to. */
export function promptFeeds(prompts: readonly PlacedPrompt[]): HostTensors {
  const before = prompts.flatMap(({ first, last }, prompt) =>
    Array.from({ length: last - first }, (_, i) => ({ row: first + i, prompt })),
  );
  return {
    prompt_ends: indices(prompts.map(({ last }) => last)),
    prompt_rows: indices(before.map(({ row }) => row)),
    prompt_of_row: indices(before.map(({ prompt }) => prompt)),
  };
}

/** Rows whose embeddings are given, and these `[S, width]`; undefined where no prompt has any. */
export function embeddingFeeds(width: number, prompts: readonly PlacedPrompt[]): HostTensors | undefined {
  const blocks = prompts.flatMap(({ first, embedded }) => embedded.map(({ at, rows }) => ({ from: first + at, rows })));
  if (blocks.length === 0) return undefined;
  const rows = blocks.flatMap(({ from, rows: { length } }) =>
    Array.from({ length: length / width }, (_, i) => from + i),
  );
  const embeddings = new Float32Array(rows.length * width);
  let at = 0;
  for (const block of blocks) {
    embeddings.set(block.rows, at);
    at += block.rows.length;
  }
  return { embedded_rows: indices(rows), embeddings: float32([rows.length, width], embeddings) };
}
