// The catalogue of failpoints and the code agree: every place that is named is passed somewhere, and nothing else is.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failpoints } from '@errata/failpoints';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

async function* sources(): AsyncIterable<string> {
  for (const wing of ['packages', 'apps']) {
    for (const entry of await readdir(join(root, wing), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (/node_modules|generated|fixture|\.test\.ts$/.test(path) || !path.endsWith('.ts')) continue;
      yield await readFile(path, 'utf8');
    }
  }
}

test('each failpoint of the catalogue is somewhere in the code, and no other', async () => {
  const passed = new Set<string>();
  for await (const text of sources())
    for (const [, name] of text.matchAll(/\bfailpoint\('([^']+)'\)/g)) passed.add(name!);
  expect([...passed].sort()).toEqual([...failpoints].sort());
});
