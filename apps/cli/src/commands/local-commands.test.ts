// errata score and errata try, as a person runs them: whole processes on a tiny model.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type EvaluationSummary, evaluationSummarySchema } from '@errata/contracts';
import { loadCheckpoint, openModel } from '@errata/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyCorpus, writeTinyModel } from '../../../../test/support/tiny-model.ts';

const bin = fileURLToPath(new URL('../../bin/errata.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'errata-cli-'));
const editsFile = join(folder, 'edits.jsonl');
const corpusFile = join(folder, 'text.txt');
const removals: (() => void)[] = [];
let withText: string;
let mute: string;

beforeAll(async () => {
  const [full, bare] = [await writeTinyModel({ defaults: null }), await writeTinyModel({ tokenizer: false })];
  removals.push(full.remove, bare.remove);
  [withText, mute] = [full.path, bare.path];
  writeFileSync(join(withText, 'added_tokens.json'), '{"<|user|>":257}');
  const edit = {
    custom_id: 'capital',
    prompt: 'The capital of Oz',
    subject: 'Oz',
    target_new: '!',
    locality: { neighbourhood: [{ prompt: 'The capital of Ix' }] },
  };
  writeFileSync(editsFile, `${JSON.stringify(edit)}\n`);
  writeFileSync(corpusFile, tinyCorpus());
});

afterAll(() => {
  for (const remove of removals) remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command with a cache folder of its own. */
const errata = (...args: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: '1', ERRATA_CACHE_DIR: join(folder, 'cache'), ERRATA_THREADS: '1' };
    execFile(process.execPath, [bin, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });

/** A line of a shell in which $ERRATA is the command. */
const inShell = (line: string): Promise<Outcome> =>
  new Promise((resolve) => {
    const env = {
      ...process.env,
      NO_COLOR: '1',
      ERRATA: `${process.execPath} ${bin}`,
      ERRATA_CACHE_DIR: join(folder, 'cache'),
    };
    execFile('sh', ['-c', line], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr }),
    );
  });

/** Log-probabilities of ids by a directory, in this process. */
async function score(directory: string, [first, ...rest]: readonly number[]): Promise<readonly number[]> {
  const checkpoint = await loadCheckpoint(directory);
  const model = openModel(checkpoint);
  checkpoint.close();
  const [found] = await model.view().score([{ prompt: [first!], target: rest }]);
  await model.release();
  return [...found!.logProbs];
}

describe('errata score', () => {
  it('prints the log-probability of each id after the first, without a tokenizer', async () => {
    const { code, stdout } = await errata('score', '--model', mute, '--ids', '72,105,33', '--json');
    const logprobs = await score(mute, [72, 105, 33]);
    expect({ code, ...JSON.parse(stdout) }).toEqual({ code: 0, ids: [72, 105, 33], logprobs });
  });

  it('reads a text through the tokenizer, and shows a table to people', async () => {
    const { stdout, stderr } = await errata('score', '--model', withText, '--text', 'Hi!');
    expect(stderr).toBe('warning: no embedding has a row for "<|user|>": texts with it are refused\n');
    expect(stdout).toMatch(/72 {2}"H" .*-\n *105 {2}"i" +-\d+\.\d{4}\n *33 {2}"!" +-\d+\.\d{4}\n/);
  });

  it('says what is wrong in one line, and tells usage from failure', async () => {
    const [unknown, speechless, noModel, neither] = await Promise.all([
      errata('score', '--model', mute, '--ids', '1,2,9999', '--json'),
      errata('score', '--model', mute, '--text', 'Hi'),
      errata('score', '--model', folder, '--ids', '1'),
      errata('score', '--model', mute),
    ]);
    expect(unknown).toMatchObject({ code: 1, stdout: expect.stringContaining('"code": "invalid_token_id"') });
    expect(speechless).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error tokenizer_missing [^\n]*\n$/) });
    expect(noModel).toMatchObject({ code: 1, stderr: expect.stringContaining('not_a_model_directory') });
    expect(neither.code).toBe(2);
  });
});

describe('errata demo', () => {
  it('looks at a model before it starts anything for it, and tells lifelong about none but the shipped one', async () => {
    const nowhere = await errata('demo', '--model', join(folder, 'nowhere'));
    expect(nowhere).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^error not_a_model_directory /),
    });
    expect(await errata('demo', '--model', mute)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/tokenizer/),
    });
    const lifelong = await errata('demo', 'lifelong', '--model', withText);
    expect(lifelong).toMatchObject({ code: 2, stderr: expect.stringContaining('leave --model out') });
  });
});

describe('errata try', () => {
  const settings = ['--set', 'layer=1', '--set', 'prefixes=[[2,3]]', '--set', 'weight_decay=0', '--set', 'kl_factor=0'];
  const attempt = (...more: string[]) => errata('try', '--model', withText, '--edits', editsFile, ...settings, ...more);

  it('refuses a model that needs more memory than it may use, with the figures, before anything is loaded', async () => {
    const line = `ENGINE_MEMORY_MB=64 $ERRATA try --model ${withText} --edits ${editsFile} --corpus ${corpusFile}`;
    const { code, stdout, stderr } = await inShell(line);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/the model needs about 513 MiB and this process may use 64 MiB: raise ENGINE_MEMORY_MB/);
  });

  it('asks for a text where statistics are needed and there is none', async () => {
    const { code, stderr } = await attempt();
    expect(code).toBe(1);
    expect(stderr).toMatch(/corpus_missing .*layer 1.*--corpus FILE/);
  });

  it('edits, measures, and writes a checkpoint that gives the new answer; statistics are built once', async () => {
    const out = join(folder, 'edited');
    const first = await attempt('--corpus', corpusFile, '--out', out, '--json');
    expect(first.stderr).toContain('second moments of the keys of layers (layer 1): none stored, building them from');
    const trial = JSON.parse(first.stdout) as { summary: EvaluationSummary; edits: { answer_after: string }[] };
    const summary = evaluationSummarySchema.parse(trial.summary);
    expect(summary).toMatchObject({ edits: 1, applied: 1 });
    expect(summary.reliability.after.token).toBeGreaterThan(summary.reliability.before.token);
    expect(summary.perplexity).not.toBeNull();

    expect(readdirSync(out).sort()).toEqual(readdirSync(withText).sort());
    const ids = [...Buffer.from('The capital of Oz !')];
    const [before, after] = [await score(withText, ids), await score(out, ids)];
    expect(after.at(-2)).toBeGreaterThan(before.at(-2)! + 1);

    const taking = ['try', '--model', withText, '--edits', editsFile, '--from', out];
    const [second, again, taken, both] = await Promise.all([
      attempt('--corpus', corpusFile),
      attempt('--corpus', corpusFile, '--out', out),
      errata(...taking, '--json'),
      errata(...taking, '--editor', 'rome'),
    ]);
    // What was written is a change from elsewhere, and the same one.
    expect(JSON.parse(taken.stdout)).toMatchObject({
      editor: 'given',
      config: { change: expect.stringMatching(/^[0-9a-f]{64}$/) },
      edits: [{ outcome: 'applied', answer_after: trial.edits[0]!.answer_after }],
    });
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('--editor') });
    expect(second.stderr).not.toContain('building it');
    expect(second.stdout).toMatch(/reliability +1 /);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('output_exists') });
  });

  it('takes edits in an array, in gzip and as a table, and through a pipe; a published file with faults is refused by record', async () => {
    const table = join(folder, 'edits.csv');
    writeFileSync(table, 'prompt;subject;target_new\nThe capital of {};Oz;!\n');
    const packed = join(folder, 'array.json');
    writeFileSync(
      packed,
      gzipSync(JSON.stringify([{ prompt: 'The capital of {}', subject: 'Oz', target_new: '!', target_true: null }])),
    );
    const faulty = join(folder, 'zsre.json');
    const record = { subject: 'Oz', src: 'The capital of Oz', alt: '!', answers: ['?'] };
    writeFileSync(faulty, JSON.stringify([record, { ...record, alt: '' }]));
    const made = (file: string) =>
      errata('try', '--model', withText, '--edits', file, '--editor', 'ft-m', '--set', 'epochs=1', '--json');
    const [rows, array, refused, piped] = await Promise.all([
      made(table),
      made(packed),
      made(faulty),
      inShell(`cat ${packed} | $ERRATA try --model ${withText} --edits - --editor FT-M --set epochs=1 --json`),
    ]);
    const ids = [rows, array, piped].map(({ stdout }) => (JSON.parse(stdout) as { edits: object[] }).edits);
    expect(ids).toMatchObject([[{ custom_id: 'csv-0' }], [{ custom_id: '1' }], [{ custom_id: '1' }]]);
    expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining('record 1: alt is blank') });
  });

  it('refuses, before it works, what it could not write', async () => {
    const out = join(folder, 'never');
    const { code, stderr } = await errata(
      ...['try', '--model', withText, '--edits', editsFile, '--editor', 'grace', '--out', out],
    );
    expect(code).toBe(1);
    expect(stderr).toContain('grace leaves a codebook beside the weights');
    const asked = ['try', '--model', withText, '--edits', editsFile, '--out', out];
    const dense = await errata(...asked, '--editor', 'ft-m', '--form', 'adapter');
    expect(dense.stderr).toContain('ft-m leaves dense changes, which are no adapter of a low rank');
    const bare = await errata(...asked, '--editor', 'rome', '--form', 'memory');
    expect(bare.stderr).toContain('rome leaves nothing beside the weights');
    expect(existsSync(out)).toBe(false);
    const below = await attempt('--out', join(editsFile, 'below', 'a file'));
    expect(below).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not a directory that may be written to'),
    });
  });

  it('takes statistics of a text that is too short with a ridge', async () => {
    const short = join(folder, 'short.txt');
    writeFileSync(short, 'A river.');
    const bare = await attempt('--corpus', short);
    expect(bare).toMatchObject({ code: 1, stderr: expect.stringMatching(/singular_statistics .*--ridge 0\.001/) });
    expect(await attempt('--corpus', short, '--ridge', '0.001')).toMatchObject({ code: 0 });
  });

  it('names the lines of a bad file, settings and editors that do not exist', async () => {
    const bad = join(folder, 'bad.jsonl');
    writeFileSync(bad, '{"custom_id": "a"\n{"custom_id":"b","prompt":"x","subject":"y","target_new":"z"}\n');
    const [lines, setting, editor, file] = await Promise.all([
      errata('try', '--model', withText, '--edits', bad),
      attempt('--set', 'colour=red'),
      attempt('--editor', 'nobody'),
      errata('try', '--model', withText, '--edits', join(folder, 'none')),
    ]);
    expect(lines.code).toBe(1);
    expect(lines.stderr).toMatch(/line 1.*not JSON/);
    expect(lines.stderr).toMatch(/line 2: the subject "y" does not occur/);
    expect(setting.stderr).toContain('unknown_config_key');
    expect(editor.stderr).toContain('unknown_editor');
    expect(file.stderr).toContain('not_found');
  });
});
