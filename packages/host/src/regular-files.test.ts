// Files that are read whole: all of their bytes, however few are read at a time.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readWhole } from './regular-files.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'errata-files-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each([0, 2, 3, 10])('a file of %i bytes is read whole, three at a time', async (size) => {
  const path = join(folder, `${size}`);
  const bytes = Buffer.from(Array.from({ length: size }, (_, i) => 255 - i));
  writeFileSync(path, bytes);
  expect(await readWhole(path, 3)).toEqual(bytes);
  expect(await readWhole(path)).toEqual(bytes);
});

it('a file that is not there is missed as the system says it', async () => {
  await expect(readWhole(join(folder, 'absent'))).rejects.toMatchObject({ code: 'ENOENT' });
});
