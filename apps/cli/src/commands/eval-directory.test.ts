// errata eval, as a person runs it: whole processes on a tiny model, one of them killed.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { MatrixInput, Report } from '@errata/evaluation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../../../test/support/tiny-model.ts';

const bin = fileURLToPath(new URL('../../bin/errata.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'errata-eval-'));
const editsFile = join(folder, 'edits.jsonl');
const env = { ...process.env, NO_COLOR: '1', ERRATA_CACHE_DIR: join(folder, 'cache'), ERRATA_THREADS: '1' };
let model: string;
let remove: () => void;

beforeAll(async () => {
  const tiny = await writeTinyModel();
  [model, remove] = [tiny.path, tiny.remove];
  const edits = Array.from({ length: 30 }, (_, i) => ({
    custom_id: `edit-${i}`,
    prompt: `The capital of O${i} is`,
    subject: `O${i}`,
    target_new: `R${i}`,
  }));
  writeFileSync(editsFile, edits.map((edit) => `${JSON.stringify(edit)}\n`).join(''));
});

afterAll(() => {
  remove();
  rmSync(folder, { recursive: true, force: true });
});

const commandLine = (...more: string[]) => [bin, 'eval', '--model', model, '--edits', editsFile, ...more];
const lifelong = ['--editor', 'FT-M', '--protocol', 'lifelong', '--set', 'epochs=4', '--json'];

const errata = (...more: string[]) => errataAlone(...commandLine(...more).slice(1));

const errataAlone = (...line: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [bin, ...line], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });

/** Waits until a run has kept some units, and kills it. */
async function killMidway(child: ChildProcess, rows: string): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  while (child.exitCode === null && !(existsSync(rows) && readFileSync(rows, 'utf8').split('"unit"').length > 6)) {
    await pause(5);
  }
  child.kill('SIGKILL');
  expect(await ended).toBe('SIGKILL');
}

describe('errata eval', () => {
  it('goes on after a kill to the results of a run that was never stopped', async () => {
    const whole = errata(...lifelong);
    const report = join(folder, 'killed');
    const child = spawn(process.execPath, commandLine(...lifelong, '--report', report), { env, stdio: 'ignore' });
    await killMidway(child, join(report, 'rows.jsonl'));
    const refused = await errata(...lifelong, '--report', report);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'output_exists' } });
    const run = (stdout: string) => (JSON.parse(stdout) as Report).runs[0]!;
    const resumed = run((await errata(...lifelong, '--report', report, '--resume')).stdout);
    expect(resumed.results).toBe(run((await whole).stdout).results);
    expect(existsSync(join(report, 'index.html'))).toBe(true);
    expect(resumed.places.at(-1)).toMatchObject({ moment: 'end', edits: 30, cases: 30, failed: 0 });
  });

  it('measures a model as it is, and shows people a table', async () => {
    const { code, stdout, stderr } = await errata('--editor', 'NONE', '--limit', '3');
    expect({ code, stderr: stderr.includes('rror') }).toEqual({ code: 0, stderr: false });
    expect(stdout).toMatch(/free generation .*the answer given, by token/);
    expect(stdout).toMatch(/^no edit +\d/m);
    expect(stdout).toMatch(/Asking +Peak/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  it('runs a matrix of editors and protocols into one report, and again only what is missing', async () => {
    const matrix = join(folder, 'matrix.yaml');
    writeFileSync(
      matrix,
      `title: Two editors
models: [${model}]
data: [{ file: edits.jsonl, limit: 3 }]
editors: [none, { editor: ft-m, set: { epochs: 2 } }, { editor: grace, set: { steps: 3 } }]
protocols: [{ kind: batch, size: [1, 3] }]
`,
    );
    const report = join(folder, 'matrix');
    const command = ['--matrix', matrix, '--report', report];
    const run = (...more: string[]) => errataAlone('eval', ...command, ...more);
    const { code, stdout, stderr } = await run('--json');
    expect({ code, stderr: stderr.includes('rror') }).toEqual({ code: 0, stderr: false });
    const { title, runs } = JSON.parse(stdout) as Report;
    expect(title).toBe('Two editors');
    expect(runs.map(({ labels, manifest }) => [labels.name, manifest.protocol])).toEqual([
      ['none', { kind: 'single' }],
      ['ft-m', { kind: 'batch', size: 1 }],
      ['ft-m', { kind: 'batch', size: 3 }],
      ['grace', { kind: 'batch', size: 1 }],
      ['grace', { kind: 'batch', size: 3 }],
    ]);
    const [refused, again] = [await run('--json'), await run('--resume')];
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'output_exists' } });
    expect(again.stdout).toMatch(/batches of 3 edits +grace/);
    writeFileSync(matrix, 'title: [');
    expect((await run()).stderr).toMatch(/invalid_request .*is not YAML/);
  });

  it.each(['module', 'commonjs'])('reads a matrix in TypeScript, from a folder of type %s', async (type) => {
    const home = join(folder, type);
    mkdirSync(home);
    writeFileSync(join(home, 'package.json'), JSON.stringify({ type }));
    const matrix = join(home, 'matrix.ts');
    const asked: MatrixInput = {
      title: `From a ${type}`,
      models: [model],
      data: [{ file: '../edits.jsonl', limit: 1 }],
      editors: ['none'],
      protocols: ['single'],
    };
    writeFileSync(matrix, `const matrix: object = ${JSON.stringify(asked)};\nexport default matrix;\n`);
    const run = () => errataAlone('eval', '--matrix', matrix, '--report', join(home, 'report'), '--json');
    expect(JSON.parse((await run()).stdout)).toMatchObject({ title: `From a ${type}` });
    writeFileSync(matrix, 'throw new Error("no such luck");');
    expect(JSON.parse((await run()).stdout)).toMatchObject({
      error: { code: 'invalid_request', message: expect.stringMatching(/matrix\.ts cannot be loaded: no such luck/) },
    });
  });

  it('refuses what a matrix says itself, and files that cannot be what they are named for', async () => {
    const matrix = (...more: string[]) => errataAlone('eval', '--matrix', join(folder, 'absent.yaml'), ...more);
    const [beside, absent, onFile, underFile] = await Promise.all([
      matrix('--protocol', 'batch'),
      matrix(),
      errata('--editor', 'none', '--report', editsFile),
      errata('--editor', 'none', '--report', join(editsFile, 'report')),
    ]);
    expect(beside.code).toBe(2);
    expect(beside.stderr).toContain("'--matrix <file>' cannot be used with option '-p, --protocol <kind>'");
    expect(absent.stderr).toBe(`error not_found there is no file ${join(folder, 'absent.yaml')}\n`);
    expect(onFile).toMatchObject({ code: 1, stderr: `error output_exists ${editsFile} is there already\n` });
    expect(underFile.code).toBe(1);
    expect(underFile.stderr).toContain('lies under a file, not under a directory');
  });

  it('tests at the checkpoints asked for, and names edits that contradict or repeat an earlier one', async () => {
    const clashing = join(folder, 'clashing.jsonl');
    const edit = (custom_id: string, target_new: string) => ({ custom_id, prompt: 'Oz is', subject: 'Oz', target_new });
    const edits = [edit('one', 'R'), edit('two', 'B'), edit('three', 'R')];
    writeFileSync(clashing, edits.map((each) => `${JSON.stringify(each)}\n`).join(''));
    const { stdout, stderr } = await errata(...lifelong, '--edits', clashing, '--checkpoints', '2,3');
    const { title, runs } = JSON.parse(stdout) as Report;
    expect(title).toMatch(/^FT-M on .*: edits in sequence$/);
    expect(runs[0]!.places.map(({ moment, edits: at }) => [moment, at])).toEqual([
      ['once', 3],
      ['curve', 2],
      ['end', 3],
    ]);
    expect(runs[0]!.contradicting).toBe(3);
    expect(stderr).toContain('1 edits of');
    expect(stderr).toMatch(/contradict an earlier one, so that one model cannot hold all: two\n/);
    expect(stderr).toMatch(/repeat an earlier one: three\n/);
  });

  it('takes reference texts by id, and refuses those of no record', async () => {
    const references = join(folder, 'references.jsonl');
    const write = (id: string) => {
      writeFileSync(references, `${JSON.stringify({ id, consistency: ['R is O'], essence: ['O is a king'] })}\n`);
      return errata('--editor', 'none', '--references', references, '--json');
    };
    const { stdout, stderr } = await write('edit-1');
    expect(stderr).toContain('has no texts for 29 of 30 records');
    const means = (JSON.parse(stdout) as Report).runs[0]!.means.map(({ metric }) => metric);
    expect(means).toEqual(expect.arrayContaining(['reference_score', 'essence.perplexity']));
    expect(JSON.parse((await write('edit-x')).stdout)).toMatchObject({
      error: { code: 'invalid_request', errors: [{ message: 'there is no record "edit-x"' }] },
    });
  });

  it('refuses what a protocol does not do', async () => {
    const [checkpoints, questions] = await Promise.all([
      errata('--editor', 'none', '--checkpoints', '2'),
      errata('--editor', 'ft-m', '--protocol', 'efficiency', '--questions', editsFile),
    ]);
    expect(checkpoints.stderr).toContain('the protocol single has no checkpoints');
    expect(questions.stderr).toContain('the efficiency protocol measures costs alone');
  });

  it('refuses a protocol and an editor that do not exist', async () => {
    const [protocol, editor, nothing, batch, limit] = await Promise.all([
      errata('--editor', 'none', '--protocol', 'daily'),
      errata('--editor', 'nobody'),
      errataAlone('eval', '--editor', 'none'),
      errata('--editor', 'none', '--protocol', 'batch', '--batch', '0'),
      errata('--editor', 'none', '--limit', '0'),
    ]);
    for (const { code, stderr } of [batch, limit]) {
      expect(code).toBe(2);
      expect(stderr).toContain('It must be a whole number, 1 or more.');
    }
    expect(nothing.code).toBe(2);
    expect(protocol.code).toBe(2);
    expect(editor).toMatchObject({ code: 1, stderr: expect.stringContaining('unknown_editor') });
  });
});
