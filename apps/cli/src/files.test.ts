// Files that a person names: what is none is said, and nobody waits for the other end of a pipe.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readText } from './files.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a pipe, a directory and a device are named instead of read', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const directory = join(folder, 'directory');
  mkdirSync(directory);
  const refused = [
    [pipe, 'is a pipe, not a file'],
    [directory, 'is a directory, not a file'],
    ['/dev/zero', 'is a device, not a file'],
  ] as const;
  for (const [path, other] of refused)
    await expect(readText(path)).rejects.toMatchObject({ code: 'invalid_request', message: `${path} ${other}` });
  await expect(readText(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'not_found' });
});

test('a pipe that a shell has opened is read', async () => {
  const pipe = join(folder, 'opened');
  execFileSync('mkfifo', [pipe]);
  const writer = spawn('sh', ['-c', `echo written > ${pipe}`]);
  const descriptor = openSync(pipe, 'r');
  expect(await readText(`/dev/fd/${descriptor}`)).toBe('written\n');
  closeSync(descriptor);
  writer.kill();
});
