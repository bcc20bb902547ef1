// Which progress is worth an event.
import { expect, test } from 'vitest';
import { type Progress, progressLog } from './progress.ts';

const collect = () => {
  const written: string[] = [];
  const write = async ({ phase, done, total }: Progress) => void written.push(`${phase} ${done}/${total}`);
  return { written, write };
};

test('the beginning and the end of each phase are written, and little between', async () => {
  let time = 0;
  const { written, write } = collect();
  const log = progressLog(write, { intervalMs: 100, now: () => time });
  for (let done = 0; done <= 10; done++) {
    log.report({ phase: 'edit', done, total: 10 });
    time += 30;
  }
  log.report({ phase: 'edit', done: 10, total: 10 });
  log.report({ phase: 'evaluate', done: 0, total: 2 });
  log.report({ phase: 'evaluate', done: 2, total: 2 });
  await log.settle();
  expect(written).toEqual(['edit 0/10', 'edit 4/10', 'edit 8/10', 'edit 10/10', 'evaluate 0/2', 'evaluate 2/2']);
});

test('a write that fails costs its event and nothing else', async () => {
  const { written, write } = collect();
  let broken = true;
  const log = progressLog(async (progress) => {
    if (broken) throw new Error('the database is away');
    await write(progress);
  });
  log.report({ phase: 'edit', done: 0, total: 1 });
  await log.settle();
  broken = false;
  log.report({ phase: 'edit', done: 1, total: 1 });
  await log.settle();
  expect(written).toEqual(['edit 1/1']);
});
