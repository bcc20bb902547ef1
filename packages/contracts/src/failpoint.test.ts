// Failpoints act only where and when the environment says so, and a misspelt one is not ignored.
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
