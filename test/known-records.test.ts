// The records that a model knows: which are kept, in which order, by which way of asking.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keepKnownRecords } from '../scripts/known-records.ts';

const model = fileURLToPath(new URL('../models/atlas', import.meta.url));
interface Line {
  readonly custom_id: string;
  readonly target_true?: string;
}
let folder: string;
let edits: string;
let lines: readonly Line[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-known-'));
  const shipped = (await readFile(join(model, 'edits.jsonl'), 'utf8')).split('\n').slice(0, 4);
  const [first, second, third, fourth] = shipped.map((line) => JSON.parse(line) as Line);
  // One whose truth is none, and one that does not say what is true.
  const { target_true: _, ...silent } = third!;
  lines = [first!, { ...second!, target_true: 'a wooden spoon' }, silent, fourth!];
  edits = join(folder, 'edits.jsonl');
  await writeFile(edits, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('records whose true answer the model gives are kept as they stand; those without one are not asked about', async () => {
  const out = join(folder, 'known.json');
  const options = { model, edits, out, by: 'exact', limit: 10, skip: 0, keep: 10 } as const;
  expect(await keepKnownRecords(options)).toEqual({ asked: 3, exact: 2, all: 2, kept: 2 });
  const written = async () => JSON.parse(await readFile(out, 'utf8')) as readonly Line[];
  expect(await written()).toEqual([lines[0], lines[3]]);
  // Asked once, they are chosen anew without the model.
  expect(await keepKnownRecords({ ...options, skip: 1 })).toMatchObject({ asked: 3, kept: 1 });
  expect(await written()).toEqual([lines[3]]);
});
