// Failpoints act only where and when the environment says so, and a misspelt one is not ignored.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { failpoint } from './failpoint.ts';

afterEach(() => {
  delete process.env.ERRATA_FAILPOINT;
});

test('an error is thrown at the named place, at the chosen passage, once', async () => {
  await failpoint('commit.before');
  process.env.ERRATA_FAILPOINT = 'commit.before:error:2, commit.after:error';
  await failpoint('commit.before');
  await expect(failpoint('commit.before')).rejects.toMatchObject({ code: 'internal' });
  await failpoint('commit.before');
  await expect(failpoint('commit.after')).rejects.toThrow('failpoint commit.after');
  await failpoint('commit.after_head');
});

test('unknown names, actions and counts are refused', async () => {
  for (const setting of ['commit.nowhere', 'commit.before:explode', 'commit.before:error:0']) {
    process.env.ERRATA_FAILPOINT = setting;
    await expect(failpoint('commit.before')).rejects.toThrow('ERRATA_FAILPOINT');
  }
});

test('a fault that lies in a directory befalls whoever gets there first, once, and says whom', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'errata-failpoints-'));
  try {
    process.env.ERRATA_FAILPOINT = `@${directory}`;
    await failpoint('commit.before');
    await writeFile(join(directory, 'commit.before'), 'full:2');
    await failpoint('commit.before');
    await failpoint('commit.after');
    await expect(failpoint('commit.before')).rejects.toMatchObject({ code: 'ENOSPC' });
    await failpoint('commit.before');
    expect(await readdir(join(directory, 'taken'))).toEqual([`commit.before.${process.pid}`]);
    await writeFile(join(directory, 'blob.write'), 'short');
    expect([await failpoint('blob.write'), await failpoint('blob.write')]).toEqual(['short', undefined]);
    await writeFile(join(directory, 'blob.write'), 'explode');
    await expect(failpoint('blob.write')).rejects.toThrow('ERRATA_FAILPOINT');
  } finally {
    await rm(directory, { recursive: true });
  }
});
