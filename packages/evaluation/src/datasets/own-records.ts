// Records as they stand in a file, for whoever checks them himself.
import { openFile } from './read-dataset.ts';
import { rawRecords } from './source/records.ts';
import { textPieces, unreadable } from './source/text.ts';

/** JSON lines stay text, so that a complaint can name a line; of all else there are the values. */
export type OwnRecords = { readonly jsonl: string } | { readonly values: readonly unknown[] };

/**
 * The first records of a file of JSON, whatever they are.
 * @param limit at most so many; all where left out
 * @throws ErrataError `not_found`, `unreadable_dataset`
 */
export async function ownRecords(file: string, limit = Number.POSITIVE_INFINITY): Promise<OwnRecords> {
  const written = await openFile(file);
  if (written.format === 'csv') unreadable(file, 'is not JSON');
  if (written.format === 'jsonl') return { jsonl: firstLines(await wholeText(file), limit) };
  const values: unknown[] = [];
  for await (const raw of rawRecords(file, written, () => false)) {
    if (values.length >= limit) break;
    if (raw.kind === 'value') values.push(raw.value);
  }
  return { values };
}

/** The first record that is JSON; undefined where there is none. Errors as {@link ownRecords}. */
export async function firstRecord(file: string): Promise<unknown> {
  for await (const raw of rawRecords(file, await openFile(file), () => false)) {
    if (raw.kind === 'value') return raw.value;
  }
  return undefined;
}

async function wholeText(file: string): Promise<string> {
  let text = '';
  for await (const piece of textPieces(file)) text += piece;
  return text;
}

const firstLines = (text: string, limit: number): string => {
  if (limit === Number.POSITIVE_INFINITY) return text;
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(0, limit).join('\n');
};
