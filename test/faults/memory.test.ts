// A worker without enough memory for the model says so, with numbers, and leaves the job to one that has it.
import { listEvents } from '@errata/lineage';
import { afterAll, expect, test } from 'vitest';
import { edit, startFaultStack, until } from '../support/fault-stack.ts';
import { expectWholeHistory } from './whole-history.fixture.ts';

const stack = await startFaultStack();
afterAll(() => stack.close());

test('the job waits for a worker that has room', async () => {
  const branch = await stack.branch('roomy');
  const small = stack.startWorker({ ENGINE_MEMORY_MB: '64', WORKER_NAME: 'small' });
  await small.ready;
  const edits = [edit('Sylvania')];
  const id = await stack.submit(edits, { branch: 'roomy' });
  const refusal = async () => {
    const { data } = await listEvents(stack.lineage, id, { limit: 100 });
    return data.find(({ type, data }) => type === 'queued' && 'error' in data);
  };
  await until('the small worker has given up', async () => (await refusal()) !== undefined);
  expect((await refusal())?.data.error).toMatchObject({
    code: 'insufficient_memory',
    message: expect.stringMatching(/\d+ Mi?B/),
  });
  const job = await stack.rescue(id);
  expect(job).toMatchObject({ state: 'succeeded' });
  const { data: events } = await listEvents(stack.lineage, id, { limit: 100 });
  expect(events.findLast(({ type }) => type === 'running')?.data.holder).toBe('spare');
  await expectWholeHistory(stack, branch.id, [{ id, edits }]);
});

test('where no worker has room, the job fails with the numbers, and the branch stays where it was', async () => {
  const { head } = await stack.branch('cramped');
  const small = stack.startWorker({ ENGINE_MEMORY_MB: '64' });
  const job = await stack.finished(await stack.submit([edit('Latveria')], { branch: 'cramped' }));
  expect(job).toMatchObject({
    state: 'failed',
    version_id: null,
    error: { code: 'insufficient_memory', message: expect.stringMatching(/\d+ Mi?B/) },
  });
  expect((await stack.branch('cramped')).head).toBe(head);
  small.signal('SIGKILL');
});
