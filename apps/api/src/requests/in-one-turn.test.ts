// Sharing answers: only with those who came before it was asked.
import { expect, test } from 'vitest';
import { inOneTurn } from './in-one-turn.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('who asks together gets one answer, of after the last of them came; who comes later has it asked anew', async () => {
  let now = 'before';
  const asked: string[] = [];
  const ask = inOneTurn(async (key) => {
    asked.push(key);
    await turn();
    if (key === 'bad') throw new Error(now);
    return `${key} ${now}`;
  });
  const together = [ask('a'), ask('b'), ask('a')];
  now = 'after';
  expect(await Promise.all(together)).toEqual(['a after', 'b after', 'a after']);
  expect(asked).toEqual(['a', 'b']);

  const first = ask('a');
  await turn();
  const second = ask('a');
  expect(second).not.toBe(first);
  await Promise.all([first, second]);
  expect(asked).toEqual(['a', 'b', 'a', 'a']);

  const failed = [ask('bad'), ask('bad')];
  for (const each of failed) await expect(each).rejects.toThrow('after');
  await expect(ask('bad')).rejects.toThrow('after');
  expect(asked.filter((key) => key === 'bad')).toHaveLength(2);
});
