// The texts of a step, and what its graph is fed of the sequences that go through the language model.
import { float32, type HostTensor, int32 } from '@errata/graph';
import { causalBias, type Tokenizer } from '@errata/models';
import { type DrawnRecord, type Item, layOutItem } from '../../training/records.ts';

type Feeds = Record<string, HostTensor>;

/** The texts of a batch: statements, first queries, second queries, queries about something else. */
export function batchTexts(batch: readonly DrawnRecord[]): readonly string[] {
  const asked = (own: boolean) =>
    batch.map(({ reliability, generality, ownFirst }) => (ownFirst === own ? reliability : generality).query);
  return [
    ...batch.map(({ statement }) => statement),
    ...asked(true),
    ...asked(false),
    ...batch.map(({ locality }) => locality.query),
  ];
}

/** Sequences as one rectangle, padded on the right, and the places of what is predicted in them. */
function layOutItems(tokenizer: Tokenizer, items: readonly Item[], front: number, start: number) {
  const laidOut = items.map((item) => layOutItem(tokenizer, item));
  const sequences = laidOut.map(({ promptIds, targetIds }) => [
    ...promptIds.slice(0, start),
    ...new Array<number>(front).fill(0),
    ...promptIds.slice(start),
    ...targetIds.slice(0, -1),
  ]);
  const time = Math.max(...sequences.map(({ length }) => length));
  const ids = new Int32Array(sequences.length * time);
  const positions = new Int32Array(sequences.length * time);
  for (const [row, sequence] of sequences.entries()) {
    ids.set(sequence, row * time);
    for (let t = 0; t < time; t++) positions[row * time + t] = t;
  }
  const rows = laidOut.map(({ promptIds, targetIds }, row) => {
    const last = row * time + front + promptIds.length - 1;
    return targetIds.map((_, at) => last + at);
  });
  const feeds: Feeds = {
    ids: int32([ids.length], ids),
    positions: int32([positions.length], positions),
    bias: float32([items.length, 1, time, time], causalBias(items.length, time)),
  };
  return { feeds, time, rows, targets: laidOut.map(({ targetIds }) => targetIds) };
}

const indices = (values: readonly number[]): HostTensor => int32([values.length], Int32Array.from(values));

/** How sequences are read: by which tokenizer, the ids that every text begins with, behind which prompts are put, as serving puts them. */
export interface SequenceForm {
  readonly tokenizer: Tokenizer;
  readonly start: number;
  readonly promptTokens: number;
}

/** Feeds of the edit losses, `before` apart, of the edits of a batch that go through the language model. */
export function editFeeds(edits: readonly DrawnRecord[], { tokenizer, start, promptTokens }: SequenceForm): Feeds {
  const reliability = edits.map((record) => record.reliability);
  const generality = edits.map((record) => record.generality);
  const items = [...reliability, ...generality, ...edits.map(({ locality }) => locality)];
  const { feeds, time, rows, targets: ofItems } = layOutItems(tokenizer, items, promptTokens, start);
  const count = edits.length;
  const edited = ofItems.slice(0, 2 * count);
  const targets = edited.flat();
  const flags = (from: number) =>
    float32(
      [targets.length],
      Float32Array.from(
        edited.flatMap((targetIds, at) => targetIds.map(() => (at >= from && at < from + count ? 1 : 0))),
      ),
    );
  const places = items.flatMap((_, row) =>
    Array.from({ length: promptTokens }, (_prompt, at) => row * time + start + at),
  );
  return {
    ...feeds,
    prompt_rows: indices(places),
    rows: indices(rows.slice(0, 2 * count).flat()),
    targets: int32([targets.length, 1], Int32Array.from(targets)),
    of_reliability: flags(0),
    of_generality: flags(count),
    locality_rows: indices(rows.slice(2 * count).flat()),
  };
}

/** Feeds of what the model says without prompts of what the edits are not about. */
export function beforeFeeds(edits: readonly DrawnRecord[], { tokenizer }: SequenceForm): Feeds {
  const { feeds, rows } = layOutItems(
    tokenizer,
    edits.map(({ locality }) => locality),
    0,
    0,
  );
  return { ...feeds, rows: indices(rows.flat()) };
}
