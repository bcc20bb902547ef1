// Files as they come: every way of writing one, every way of breaking one, and any size.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ErrataError } from '@errata/contracts';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { layouts, requireLayout } from './catalogue.ts';
import { spelledInPrompt } from './draft.ts';
import { detectLayout, openDataset, readDataset } from './read-dataset.ts';
import { loadDataset, surveyDataset } from './survey.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'errata-data-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const fileOf = (content: string | Uint8Array, ending = 'json'): string => {
  const file = join(folder, `${files++}.${ending}`);
  writeFileSync(file, content);
  return file;
};

const record = (number: number) => ({
  subject: `Lamp ${number}`,
  src: `Who made Lamp ${number}?`,
  alt: 'Ben Sorrel',
  answers: ['Ada Vell'],
});
const array = JSON.stringify([record(0), record(1)]);

const failure = async (work: Promise<unknown>): Promise<ErrataError> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ErrataError);
  return error as ErrataError;
};

describe('ways of writing', () => {
  it.each([
    ['an array', array, 'json'],
    ['an array after a byte-order mark and blank lines', `\ufeff\n\n${array}\n`, 'json'],
    ['JSON lines by name', [record(0), record(1)].map((each) => JSON.stringify(each)).join('\n'), 'jsonl'],
    ['an array that is called lines', array, 'jsonl'],
    ['JSON lines by look', [record(0), record(1)].map((each) => JSON.stringify(each)).join('\r\n\r\n'), 'json'],
    ['an array in gzip', gzipSync(array), 'json.gz'],
    [
      'JSON lines in gzip that is not called so',
      gzipSync(`${JSON.stringify(record(0))}\n${JSON.stringify(record(1))}`),
      'jsonl',
    ],
  ])('%s', async (_, content, ending) => {
    const { report, cases } = await loadDataset(fileOf(content, ending));
    expect(report).toMatchObject({ layout: 'zsre_mend', records: 2, edits: 2, rejected: [] });
    expect(cases.map(({ id }) => id)).toEqual(['zsre_mend-0', 'zsre_mend-1']);
  });

  it.each([
    ['over several lines', JSON.stringify(record(0), null, 2), 'json'],
    ['over several lines of a file that is called lines', JSON.stringify(record(0), null, 2), 'jsonl'],
    ['on one line', JSON.stringify(record(0)), 'json'],
  ])('one record %s', async (_, content, ending) => {
    const { report } = await loadDataset(fileOf(content, ending));
    expect(report).toMatchObject({ layout: 'zsre_mend', records: 1, edits: 1, rejected: [] });
  });

  it.each([
    ['semicolons, as spreadsheets write them', ';', 'csv'],
    ['tabs', '\t', 'tsv'],
    ['tabs in a file without a name for it', '\t', 'txt'],
    ['bars', '|', 'csv'],
    ['commas', ',', 'csv'],
  ])('a table with %s', async (_, delimiter, ending) => {
    const rows = [
      ['prompt', 'subject', 'target_new', 'rephrase'],
      ['"Lamps, lights; of {} are"', 'Vell', 'green', '"In Vell, lamps\tare"'],
    ];
    const table = rows.map((row) => row.join(delimiter)).join('\r\n');
    for (const content of [`\ufeff${table}\r\n`, gzipSync(table)]) {
      const { cases } = await loadDataset(fileOf(content, ending));
      expect(cases[0]!.edits).toMatchObject([
        { prompt: 'Lamps, lights; of Vell are', target_new: 'green', rephrases: ['In Vell, lamps\tare'] },
      ]);
    }
  });

  it('Parquet, packed in any way, with whole numbers, lists, structures and absent cells', async () => {
    const columns = [
      { name: 'case_id', data: [7n, 8n], type: 'INT64' as const },
      { name: 'prompt', data: ['Lamps of Vell are', 'Lamps of Ix are'] },
      { name: 'subject', data: ['Vell', 'Ix'] },
      { name: 'target_new', data: ['green', 'blue'] },
      { name: 'locality_prompt', data: ['Lamps of Oz are', null] },
      { name: 'locality_ground_truth', data: ['red', null] },
    ];
    for (const codec of ['UNCOMPRESSED', 'SNAPPY'] as const) {
      const file = fileOf(new Uint8Array(parquetWriteBuffer({ columnData: columns, codec, rowGroupSize: 1 })), 'json');
      const { report, cases } = await loadDataset(file);
      expect(report).toMatchObject({ layout: 'counterfact_flat', records: 2, edits: 2, rejected: [], dropped: [] });
      expect(cases.map(({ edits: [edit] }) => [edit!.custom_id, edit!.locality])).toEqual([
        ['counterfact_flat-7', { neighbourhood: [{ prompt: 'Lamps of Oz are', target: 'red' }] }],
        ['counterfact_flat-8', {}],
      ]);
    }
    const whole = new Uint8Array(parquetWriteBuffer({ columnData: columns }));
    const cut = await failure(loadDataset(fileOf(whole.subarray(0, whole.length - 9), 'parquet')));
    expect(cut.message).toContain('is Parquet that cannot be read');
  });

  it('names edits of our own by their number where they are not named, and takes null for absent', async () => {
    const edit = { prompt: 'Lamps of {} are', subject: 'Vell', target_new: 'green', target_true: null, locality: null };
    const file = fileOf(
      JSON.stringify([edit, { ...edit, custom_id: 'b', subject: 'Oz' }, { ...edit, custom_id: null, subject: 'Ix' }]),
    );
    const { report, cases } = await loadDataset(file);
    expect(report).toMatchObject({ layout: 'jsonl', edits: 3, rejected: [] });
    expect(cases.map(({ id }) => id)).toEqual(['1', 'b', '3']);
    expect(cases[0]!.edits[0]).not.toHaveProperty('target_true');
  });

  it('keeps letters that are cut by the pieces of a file whole', async () => {
    const names = Array.from({ length: 4000 }, (_, index) => `Łódź-日本-🏮-${index}`);
    const content = JSON.stringify(names.map((name) => ({ ...record(0), subject: name, src: `Where is ${name}?` })));
    const { cases } = await loadDataset(fileOf(content));
    expect(cases.map(({ edits }) => edits[0]?.subject)).toEqual(names);
  });

  it('recognises a layout behind a few bad records, and says so where none fits', async () => {
    const behind = fileOf(JSON.stringify([{}, 3, { subject: 'x' }, record(3)]));
    expect(await surveyDataset(await detectLayout(behind))).toMatchObject({ layout: 'zsre_mend', edits: 1 });
    const strange = await failure(detectLayout(fileOf('[{"colour": "red", "size": 3}]')));
    expect(strange).toMatchObject({ code: 'unknown_layout', details: { fields: ['colour', 'size'] } });
    expect(strange.message).toContain('colour, size');
  });

  it('asks where a file may be of two layouts', async () => {
    const mixed = fileOf(JSON.stringify([record(0), { question: 'Who made it?', answer: ['Vell'] }]));
    const asked = await failure(detectLayout(mixed));
    expect(asked).toMatchObject({ code: 'unknown_layout', details: { layouts: ['zsre_mend', 'nq_open'] } });
    expect(asked.message).toContain('may be zsre_mend or nq_open: say which');
  });

  it('stops at a limit of records that can be used', async () => {
    const file = fileOf(JSON.stringify([{ ...record(0), alt: '' }, record(1), record(2), record(3)]));
    expect(await loadDataset(file, { limit: 2 })).toMatchObject({
      report: { records: 3, edits: 2, rejected: [{ record: 0, field: 'alt', rule: 'empty' }] },
      cases: [{ id: 'zsre_mend-1' }, { id: 'zsre_mend-2' }],
    });
  });

  it('names fields of another type', async () => {
    const rewrite = { prompt: '{} is', subject: 'a', target_new: { str: 'b' }, target_true: { str: 'c' } };
    const file = fileOf(
      JSON.stringify([
        { requested_rewrite: rewrite },
        { requested_rewrite: 'none' },
        { requested_rewrite: { ...rewrite, target_new: 'b' } },
        { requested_rewrite: { ...rewrite, subject: 7 } },
        { requested_rewrite: rewrite, paraphrase_prompts: 'one' },
        { requested_rewrite: rewrite, paraphrase_prompts: [7, 'a one'] },
      ]),
    );
    const { rejected, dropped, edits } = await surveyDataset(await openDataset(file, 'counterfact'));
    expect([edits, dropped]).toEqual([2, [{ record: 5, field: 'paraphrase_prompts.0', rule: 'wrong_type' }]]);
    expect(rejected).toEqual([
      { record: 1, field: 'requested_rewrite', rule: 'wrong_type' },
      { record: 2, field: 'requested_rewrite.target_new', rule: 'wrong_type' },
      { record: 3, field: 'requested_rewrite.subject', rule: 'wrong_type' },
      { record: 4, field: 'paraphrase_prompts', rule: 'wrong_type' },
    ]);
  });
});

describe('files that cannot be read', () => {
  it.each([
    ['an empty file', '', 'is empty'],
    ['spaces', ' \n\n ', 'is empty'],
    ['an empty array', '[]', 'holds no records'],
    ['bytes that are no text', Uint8Array.of(0x5b, 0x22, 0xff, 0xfe, 0x22, 0x5d), 'is not UTF-8 text'],
    ['zero bytes', Uint8Array.of(0x5b, 0x20, 0, 0, 0), 'is not UTF-8 text'],
    ['UTF-16', Buffer.from(`\ufeff${array}`, 'utf16le'), 'is not UTF-8 text but UTF-16: save it as UTF-8'],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 7\n', 'run git lfs pull'],
    ['an archive', Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0), 'is a zip archive, as a spreadsheet is too: unpack it'],
    ['zstd', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 4, 0), 'is packed with zstd: unpack it'],
    ['an archive in gzip', gzipSync(`${'a.json'.padEnd(257, '\0')}ustar`), 'is a tar archive: unpack it'],
    ['a web page', '\n<!DOCTYPE html>\n<html>', 'is a web page: download the file itself'],
    ['gzip cut off', gzipSync(array).subarray(0, 40), 'is cut off: its gzip does not end'],
    ['gzip that is damaged', gzipSync(array).fill(7, 12, 24), 'is gzip that is damaged'],
    ['a file that ends within a letter', Uint8Array.of(0x5b, 0x22, 0xc3), 'is not UTF-8 text'],
    ['an array cut off', array.slice(0, -20), 'is cut off: its JSON does not end, after 1 whole record'],
    ['an array cut off after a record', array.slice(0, -1), 'after 2 whole records'],
    ['an array with something behind it', `${array} [`, 'is not JSON'],
    ['no JSON', `[${JSON.stringify(record(0))}, {subject: 1}]`, 'at byte'],
  ])('%s', async (_, content, message) => {
    const file = fileOf(content);
    const error = await failure(loadDataset(file, { layout: 'zsre_mend' }));
    expect(error).toMatchObject({ code: 'unreadable_dataset', details: { file } });
    expect(error.message).toContain(message);
    expect(error.message).toContain(file);
  });

  it('gives the records before the fault', async () => {
    const read: number[] = [];
    const file = fileOf(array.slice(0, -20));
    await failure(
      (async () => {
        for await (const { record: number } of readDataset(file, 'zsre_mend')) read.push(number);
      })(),
    );
    expect(read).toEqual([0]);
  });

  it('tells what is not there, is a directory, or is written in another way', async () => {
    expect(await failure(openDataset(join(folder, 'none')))).toMatchObject({ code: 'not_found' });
    expect((await failure(openDataset(folder))).message).toContain('is a directory');
    const pipe = join(folder, 'pipe.jsonl');
    execFileSync('mkfifo', [pipe]);
    expect((await failure(openDataset(pipe))).message).toBe(`${pipe} is a pipe, not a file`);
    expect((await failure(openDataset(fileOf(array), 'csv'))).message).toContain('is not CSV');
    const tableFile = fileOf('prompt,subject,target_new\na b,b,c\n', 'csv');
    expect((await failure(openDataset(tableFile, 'mquake'))).message).toContain('is not JSON');
    const unclosed = fileOf(`prompt,subject,target_new\n"a b,b,c\n${'x'.repeat(1_100_000)}`, 'csv');
    expect((await failure(loadDataset(unclosed))).message).toContain('is not CSV');
  });
});

describe('names of layouts', () => {
  it('are found without regard to case and punctuation, by every name', () => {
    for (const layout of layouts) {
      for (const name of [layout.name, ...(layout.alsoCalled ?? [])]) {
        expect(requireLayout(name.toUpperCase().replaceAll('_', '-'))).toBe(layout);
      }
    }
    expect(requireLayout('RippleEdits').name).toBe('ripple_edits');
    expect(() => requireLayout('crossword')).toThrowError(expect.objectContaining({ code: 'unknown_layout' }));
  });
});

describe('subjects', () => {
  it.each([
    ['the capital of France is', 'France', 'France'],
    ['The Capital of FRANCE is', 'france', 'FRANCE'],
    ['born in New\u00a0York city', 'New  York', 'New\u00a0York'],
    ['Where is Étretat?', 'e\u0301tretat', 'Étretat'],
    ['Where is E\u0301tretat?', 'étretat', 'E\u0301tretat'],
    ['What is C++ (2.0)?', 'c++ (2.0)', 'C++ (2.0)'],
    ['AL has an office in Algeria', 'Al', 'AL'],
    ['The Francesca trio', 'france', undefined],
    ['The Francesca trio', 'France', undefined],
    ['The capital of Gaul is', 'France', undefined],
  ])('%j holds %j as %j', (prompt, subject, expected) => {
    expect(spelledInPrompt(prompt, subject)).toBe(expected);
  });
});

describe('size', () => {
  it('does not matter: a long array is read in the memory of a piece of it', async () => {
    const file = join(folder, 'long.json');
    const out = createWriteStream(file);
    const filler = 'x'.repeat(8000);
    const records = 12_000;
    for (let number = 0; number < records; number++) {
      const text = `${number === 0 ? '[' : ','}${JSON.stringify({ ...record(number), filler })}`;
      if (!out.write(text)) await once(out, 'drain');
    }
    out.end(']');
    await once(out, 'finish');
    globalThis.gc?.();
    const before = process.memoryUsage();
    let most = 0;
    const report = await surveyDataset(await openDataset(file), {
      onContent: (_, number) => {
        if (number % 500 === 0) most = Math.max(most, process.memoryUsage().rss - before.rss);
      },
    });
    expect(report).toMatchObject({ records, edits: records });
    // The file is 98 MB, and its text alone takes as much in memory.
    expect(most / 1e6).toBeLessThan(70);
  });
});
