// An engine that is frozen while it works: its worker, which keeps the lease, kills it, and the job is tried again as after any crash.
import { listEvents } from '@errata/lineage';
import { afterAll, expect, test } from 'vitest';
import { edit, startFaultStack } from '../support/fault-stack.ts';
import { expectWholeHistory } from './whole-history.fixture.ts';

const stack = await startFaultStack();
afterAll(() => stack.close());

test('a frozen engine holds its job for as long as it may be silent, and no longer', async () => {
  const branch = await stack.branch('frozen');
  const worker = stack.startWorker({ ENGINE_SILENCE_MS: '10000', WORKER_NAME: 'watching' });
  await worker.ready;
  // Deltas are stored by the engine.
  const freeze = await stack.arm('blob.before_write', 'stop');
  const edits = [edit('Sylvania')];
  const id = await stack.submit(edits, { branch: 'frozen' });
  expect(await stack.finished(id)).toMatchObject({ state: 'succeeded', error: null });
  const frozen = (await freeze.taken())!;
  expect(frozen).not.toBe(worker.pid);
  expect(() => process.kill(frozen, 0)).toThrow('ESRCH');
  const { data: events } = await listEvents(stack.lineage, id, { limit: 100 });
  expect(events.filter(({ type }) => type === 'queued').at(-1)?.data).toMatchObject({
    error: { code: 'engine_crashed', message: expect.stringContaining('no sign of life for 10000 ms') },
  });
  await expectWholeHistory(stack, branch.id, [{ id, edits }]);
});
