// What must be true of a branch once all its jobs have succeeded.
import type { EditInput } from '@errata/contracts';
import { activeEdits, branchLog, checkBranch, listEvents } from '@errata/lineage';
import { expect } from 'vitest';
import type { FaultStack } from '../support/fault-stack.ts';

/** The branch holds together, every edit of the jobs acts once, in the order of submission, and each job has one version. */
export async function expectWholeHistory(
  { lineage }: FaultStack,
  branchId: string,
  jobs: readonly { readonly id: string; readonly edits: readonly EditInput[] }[],
): Promise<void> {
  expect(await checkBranch(lineage, branchId)).toEqual({ moves: jobs.length + 1 });
  const active = await activeEdits(lineage, branchId);
  const wanted = jobs.flatMap(({ id, edits }) => edits.map(({ custom_id }) => `${id} ${custom_id}`));
  expect(active.map(({ job_id, custom_id }) => `${job_id} ${custom_id}`)).toEqual(wanted);
  const log = await branchLog(lineage, branchId, { limit: 100 });
  const moves = log.data.filter(({ kind }) => kind === 'edit').map(({ job_id }) => job_id);
  expect(moves).toEqual(jobs.map(({ id }) => id).reverse());
  for (const { id } of jobs) {
    const { data: events } = await listEvents(lineage, id, { limit: 100 });
    expect(events.filter(({ type }) => type === 'succeeded')).toHaveLength(1);
    expect(events.at(-1)?.type).toBe('succeeded');
  }
}
