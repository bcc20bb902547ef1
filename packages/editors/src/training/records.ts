// The edits that a knowledge encoder is trained on: read from a file, laid out for the language model, and drawn into batches.
import { type Edit, ErrataError } from '@errata/contracts';
import { layOut, ModelError, type Tokenizer, uniform } from '@errata/models';
import { type EditsFile, editsIn } from '../artefacts/edits-file.ts';
import type { TargetSequence } from '../texts/sequences.ts';

/** A prompt, which is the query that may ask for a correction, and what is expected of it. */
export interface Item {
  readonly query: string;
  readonly target: string;
  readonly join: Edit['join'];
}

/** An edit as it is trained on: by categories, of which one is drawn, then one of its items. */
export interface TrainingRecord {
  /** The correction in words. */
  readonly statement: string;
  readonly reliability: Item;
  readonly generality: readonly (readonly Item[])[];
  readonly locality: readonly (readonly Item[])[];
}

export interface ReadRecords {
  readonly records: readonly TrainingRecord[];
  /** Edits without a rephrasing, without a locality probe that has an answer, or longer than the model reads. */
  readonly leftOut: number;
}

/** How texts become items. */
export interface ItemSource {
  readonly tokenizer: Tokenizer;
  /** Tokens that a prompt with its answer may have. */
  readonly longest: number;
}

/** The tokens of an item. @throws ModelError layout_* */
export const layOutItem = (tokenizer: Tokenizer, { query, target, join }: Item) =>
  layOut(tokenizer, query, target, { join });

/** An item as a model that predicts its target reads it. @throws ModelError layout_* */
export function itemSequence(tokenizer: Tokenizer, item: Item): TargetSequence {
  const { promptIds, targetIds } = layOutItem(tokenizer, item);
  return { ids: [...promptIds, ...targetIds].slice(0, -1), targetStart: promptIds.length - 1, targetIds };
}

/** Whether a model can read an item. Laying out takes most of the time of reading a file, and what is short enough in bytes is so in tokens. */
function isReadable(item: Item, { tokenizer, longest }: ItemSource): boolean {
  const around = tokenizer.prefixIds.length + 1;
  const bytes = Buffer.byteLength(item.query) + Buffer.byteLength(item.target) + around;
  if (tokenizer.unknownId === undefined && bytes <= longest) return true;
  try {
    const { promptIds, targetIds } = layOutItem(tokenizer, item);
    return promptIds.length + targetIds.length <= longest;
  } catch (error) {
    if (error instanceof ModelError) return false;
    throw error;
  }
}

/** Reads a file of edits. @throws ErrataError `invalid_edits` naming the line */
function readRecords({ bytes, path }: EditsFile, source: ItemSource): ReadRecords {
  const records: TrainingRecord[] = [];
  let leftOut = 0;
  for (const edit of editsIn(bytes, path)) {
    const record = recordOf(edit, source);
    if (record === undefined) leftOut++;
    else records.push(record);
  }
  return { records, leftOut };
}

/** Records to train on, and those at the end of the file that are kept to validate on. */
export interface DividedRecords extends ReadRecords {
  readonly validation: readonly TrainingRecord[];
}

/**
 * Reads a file of edits to train on.
 * @param drawn records of a step @param kept records to validate on
 * @throws ErrataError `invalid_edits` naming the line, or where there are too few
 */
export function divideRecords(file: EditsFile, source: ItemSource, drawn: number, kept: number): DividedRecords {
  const { records: all, leftOut } = readRecords(file, source);
  const records = all.slice(0, -kept);
  if (records.length < drawn)
    throw new ErrataError(
      'invalid_edits',
      `${file.path} has ${all.length} edits that can be trained on (${leftOut} lack a rephrasing, or a locality probe with its target, or are too long); ${drawn} a step and ${kept} for validation are needed`,
      { details: { edits: all.length, left_out: leftOut } },
    );
  return { records, validation: all.slice(-kept), leftOut };
}

/** Records of which no two have one prompt, as a memory has them. */
export const apart = (records: readonly TrainingRecord[]): readonly TrainingRecord[] => [
  ...new Map(records.map((record) => [record.reliability.query, record])).values(),
];

function recordOf(edit: Edit, source: ItemSource): TrainingRecord | undefined {
  const { prompt, target_new, rephrases, portability, locality, join } = edit;
  const item = (query: string, target: string): Item[] => {
    const made = { query, target, join };
    return isReadable(made, source) ? [made] : [];
  };
  const category = (probes: readonly { readonly prompt: string; readonly target?: string | undefined }[] = []) =>
    probes.flatMap(({ prompt: query, target }) => (target === undefined ? [] : item(query, target)));
  const full = (categories: readonly (readonly Item[])[]) => categories.filter(({ length }) => length > 0);
  const [reliability] = item(prompt, target_new);
  const reworded = rephrases.flatMap((query) => item(query, target_new));
  const generality = full([reworded, ...Object.values(portability).map(category)]);
  const away = full(Object.values(locality).map(category));
  if (reliability === undefined || generality.length === 0 || away.length === 0) return undefined;
  const { text: statement } = layOutItem(source.tokenizer, reliability);
  return { statement, reliability, generality, locality: away };
}

/** A record with the one item of each sort that a step sees. */
export interface DrawnRecord {
  readonly statement: string;
  readonly reliability: Item;
  readonly generality: Item;
  readonly locality: Item;
  /** Whether the edit's own prompt is the query that is to find its correction; the other then is the one that must leave others' alone. */
  readonly ownFirst: boolean;
}

/** A number below `n`. */
const below = (next: () => number, n: number): number => Math.floor(next() * n);

const pick = <T>(next: () => number, list: readonly T[]): T => list[below(next, list.length)]!;

/**
 * The records of a step, which seed and step alone decide: runs of records that stand together, no record twice.
 * @throws RangeError where there are fewer records than a batch takes
 */
export function drawBatch(
  records: readonly TrainingRecord[],
  { batch_size, run_length, seed }: { readonly batch_size: number; readonly run_length: number; readonly seed: number },
  step: number,
): readonly DrawnRecord[] {
  if (records.length < batch_size) throw new RangeError(`${records.length} records are fewer than ${batch_size}`);
  const next = uniform(seed, step);
  const taken = new Set<number>();
  while (taken.size < batch_size) {
    const from = below(next, records.length);
    for (let at = from; at < Math.min(records.length, from + run_length) && taken.size < batch_size; at++)
      taken.add(at);
  }
  // One category of locality probes for a batch, as far as its records have the same: those of unlike lengths would be padded to the longest.
  const sort = next();
  return [...taken].map((at) => {
    const { statement, reliability, generality, locality } = records[at]!;
    return {
      statement,
      reliability,
      generality: pick(next, pick(next, generality)),
      locality: pick(next, locality[Math.floor(sort * locality.length)]!),
      ownFirst: next() < 0.5,
    };
  });
}
