// errata tune, as a person runs it: a whole process on a tiny model.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDefaults } from '@errata/engine';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeTinyModel } from '../../../../test/support/tiny-model.ts';

const bin = fileURLToPath(new URL('../../bin/errata.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'errata-tune-'));
const edits = join(folder, 'edits.jsonl');
let tiny: Awaited<ReturnType<typeof writeTinyModel>>;

const tune = (...args: string[]) =>
  new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const env = { ...process.env, NO_COLOR: '1', ERRATA_THREADS: '1', ERRATA_CACHE_DIR: join(folder, 'cache') };
    execFile(process.execPath, [bin, 'tune', '--model', tiny.path, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });

beforeAll(async () => {
  tiny = await writeTinyModel();
  const all = ['Ann', 'Bob'].map((subject) => ({
    custom_id: subject,
    prompt: `${subject} is`,
    subject,
    target_new: 'x',
  }));
  writeFileSync(edits, all.map((one) => `${JSON.stringify(one)}\n`).join(''));
});
afterAll(() => {
  tiny.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('tries layers and clamps, and makes what it finds the default, with its figures', async () => {
  const before = readDefaults(tiny.path);
  const { code, stdout, stderr } = await tune('--edits', edits, '--layers', '2', '--save');
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stdout).toContain('as it is');
  expect(stdout).toContain('on 1 other edits');
  const { tuned, editors, ...others } = readDefaults(tiny.path);
  const found = tuned!['r-rome']!;
  expect(found).toMatchObject({ edits: 1, seed: 0, tried: expect.any(Number) });
  expect(found.tried).toBeGreaterThan(2);
  expect(editors['r-rome']).toEqual({ ...before.editors['r-rome'], ...found.settings });
  expect(others).toEqual((({ editors: _, ...rest }) => rest)(before));
  expect(JSON.parse(readFileSync(join(tiny.path, 'errata.json'), 'utf8')).tuned['r-rome'].after.score).toBe(
    found.after.score,
  );
}, 60_000);

test('says which editors have nothing to tune, and that one edit is too few', async () => {
  expect(await tune('--edits', edits, '--editor', 'ft-m')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ft-m searches for no value at a layer'),
  });
  expect(await tune('--edits', edits, '--limit', '1')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('give two at least'),
  });
});
