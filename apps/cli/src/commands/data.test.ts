// errata data, as a person runs it: whole processes on small files.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEditsJsonl } from '@errata/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../../bin/errata.js', import.meta.url));
const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../../packages/evaluation/src/datasets/fixtures/${name}`, import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'errata-cli-data-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const data = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: '1' };
    execFile(process.execPath, [bin, 'data', ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
const write = (name: string, content: string): string => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};
const lines = (file: string): unknown[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

describe('errata data check', () => {
  it('prints what can be used and names what cannot, as JSON', async () => {
    const [auto, named] = await Promise.all([
      data('check', fixture('zsre-mend.json'), '--json'),
      data('check', '--layout', 'zsre_mend', fixture('zsre-mend.json'), '--json'),
    ]);
    expect(auto).toEqual(named);
    expect({ code: auto.code, ...JSON.parse(auto.stdout) }).toEqual({
      code: 0,
      layout: 'zsre_mend',
      records: 5,
      edits: 2,
      items: 0,
      rejected: [
        { record: 1, field: 'alt', rule: 'missing' },
        { record: 2, field: 'answers', rule: 'empty' },
        { record: 4, field: 'subject', rule: 'subject_not_in_prompt' },
      ],
      repaired: [
        { record: 0, field: 'alt', rule: 'surrounding_space' },
        { record: 3, field: 'subject', rule: 'subject_spelling' },
      ],
      dropped: [],
    });
  });

  it('shows people a summary, counted by field and rule', async () => {
    const { code, stdout } = await data('check', fixture('edits.jsonl'));
    expect(code).toBe(0);
    expect(stdout).toContain('9 records, 1 edits, 8 rejected');
    expect(stdout).toMatch(/not_json +\(record\) +1 +1\n/);
    expect(stdout).toMatch(/subject_not_in_prompt +subject +1 +3\n/);
  });

  it('says in one line what is wrong with a file or a name, and ends with 1', async () => {
    const useless = write('useless.json', '[{"subject": "x", "src": "y", "alt": "z", "answers": []}]');
    const cases: readonly (readonly [string[], RegExp])[] = [
      [[join(folder, 'none.json')], /^error not_found there is no file /],
      [
        [write('cut.json', '[{"subject": "x"}, {"sub')],
        /^error unreadable_dataset .* is cut off: .*after 1 whole record\n$/,
      ],
      [['--layout', 'crossword', useless], /^error unknown_layout .*"crossword".*counterfact/],
    ];
    const outcomes = await Promise.all(cases.map(([args]) => data('check', ...args)));
    for (const [index, { code, stdout, stderr }] of outcomes.entries()) {
      expect(stderr).toMatch(cases[index]![1]);
      expect({ code, stdout, lines: stderr.split('\n').length }).toEqual({ code: 1, stdout: '', lines: 2 });
    }
    const [nothing, plain] = await Promise.all([data('check', '-l', 'mquake', useless, '--json'), data('check')]);
    expect({ code: nothing.code, ...JSON.parse(nothing.stdout) }).toMatchObject({ code: 1, edits: 0, records: 1 });
    expect([nothing.stderr, plain.code]).toEqual(['The records look like zsre_mend\n', 2]);
  });
});

describe('errata data convert', () => {
  it('writes edits that a batch takes, without those that contradict or repeat earlier ones', async () => {
    const edit = { prompt: 'The capital of Marrow is', subject: 'Marrow', target_new: 'Quillan' };
    const edits = [
      { ...edit, custom_id: 'a' },
      { ...edit, custom_id: 'b', target_new: 'Vell' },
      { ...edit, custom_id: 'c', target_new: 'quillan.' },
      { ...edit, custom_id: 'd', prompt: 'Marrow is ruled from' },
    ];
    const [out, limited] = [join(folder, 'edits.jsonl'), join(folder, 'limited.jsonl')];
    const all = await data('convert', write('conflict.json', JSON.stringify(edits)), '--out', out, '--json');
    expect({ code: all.code, ...JSON.parse(all.stdout) }).toMatchObject({
      code: 0,
      edits: 4,
      written: 2,
      left_out: [
        { record: 1, custom_id: 'b', rule: 'contradictory_edits' },
        { record: 2, custom_id: 'c', rule: 'repeated_edit' },
      ],
    });
    expect(parseEditsJsonl(readFileSync(out, 'utf8'))).toMatchObject({
      edits: [{ custom_id: 'a' }, { custom_id: 'd' }],
      errors: [],
    });

    const [again, some] = await Promise.all([
      data('convert', fixture('counterfact.json'), '--out', out),
      data('convert', fixture('ripple-edits.json'), '--out', limited, '--limit', '2'),
    ]);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('output_exists') });
    expect(some.stdout).toContain('wrote 2 edits');
    expect(parseEditsJsonl(readFileSync(limited, 'utf8'))).toMatchObject({ edits: [{}, {}], errors: [] });
  });

  it('writes items, and leaves nothing behind when a file breaks off', async () => {
    const [asked, options, broken] = ['asked.jsonl', 'options.jsonl', 'broken.jsonl'].map((name) => join(folder, name));
    const cut = write('cut-later.json', readFileSync(fixture('squad-flat.json'), 'utf8').slice(0, -20));
    const outcomes = await Promise.all([
      data('convert', fixture('mquake.json'), '--as', 'suite', '--out', asked!),
      data('convert', fixture('csqa.jsonl'), '--out', options!),
      data('convert', fixture('csqa.jsonl'), '--as', 'edits', '--out', broken!),
      data('convert', cut, '--out', broken!),
    ]);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 1, 1]);
    expect(lines(asked!)).toContainEqual(expect.objectContaining({ kind: 'multi_hop', questions: expect.anything() }));
    expect(lines(options!)).toMatchObject([{ kind: 'multiple_choice' }, { kind: 'multiple_choice' }]);
    expect(outcomes[2]?.stderr).toContain('csqa is a suite');
    expect(outcomes[3]?.stderr).toContain('is cut off');
    expect(existsSync(broken!)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('writes suites that it reads itself, with prompts for text unless they are not wanted, and tasks', async () => {
    const names = ['all.jsonl', 'dumb.jsonl', 'choice.jsonl'];
    const [all, dumb, choice] = names.map((name) => join(folder, name)) as [string, string, string];
    await Promise.all([
      data('convert', fixture('counterfact.json'), '--as', 'suite', '--out', all),
      data('convert', fixture('counterfact.json'), '--as', 'suite', '--writers', '0', '--out', dumb),
      data('convert', fixture('csqa.jsonl'), '--task', 'atlas_choice', '--out', choice),
    ]);
    const count = (file: string) => lines(file).filter((line) => (line as { kind: string }).kind === 'text').length;
    expect([count(all), count(dumb)]).toEqual([1, 0]);
    expect(lines(choice)).toMatchObject([{ task: 'atlas_choice' }, { task: 'atlas_choice' }]);
    const checks = await Promise.all([all, dumb, choice].map((file) => data('check', file, '--json')));
    for (const [index, { code, stdout }] of checks.entries())
      expect({ code, ...JSON.parse(stdout) }).toMatchObject({
        ...{ code: 0, layout: 'suite', rejected: [], items: lines([all, dumb, choice][index]!).length },
      });
    const wrong = await data('convert', fixture('csqa.jsonl'), '--task', 'anli', '--out', join(folder, 'wrong.jsonl'));
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('the task anli asks no items of kind') });
  });

  it('lists the layouts', async () => {
    const { stdout } = await data('layouts', '--json');
    expect(JSON.parse(stdout)).toContainEqual({
      name: 'mquake',
      kind: 'edits',
      title: expect.stringContaining('multi-hop'),
      source: expect.stringContaining('2023'),
    });
  });
});
