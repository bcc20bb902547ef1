// Files that a person names: what is none is said, and nobody waits for the other end of a pipe.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
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

test('a pipe that a shell has opened is read', () => {
  const files = new URL('./files.ts', import.meta.url);
  const script = `import { readText } from '${files.href}'; process.stdout.write(await readText(process.argv[1]));`;
  const command = '"$0" --import tsx --input-type=module --eval "$1" <(echo written)';
  expect(execFileSync('bash', ['-c', command, process.execPath, script], { encoding: 'utf8' })).toBe('written\n');
});
