// The checks of the promises can fail: a sound history passes, and each way of falsifying it is noticed by the promise it breaks.
import { nextVersionId, rootVersionId, sha256 } from '@errata/contracts';
import { expect, test } from 'vitest';
import { type PromiseName, promiseNames, violations, type Witness } from './promises.ts';
import type { EventFact, History, JobFact, LinkFact, MoveFact } from './recorded-history.ts';

const blobs = { weights: sha256('weights'), first: sha256('first'), second: sha256('second') };
const root = rootVersionId(sha256('model'));
const one = nextVersionId(root, { kind: 'dense', blob: blobs.first });
const two = nextVersionId(one, { kind: 'dense', blob: blobs.second });

const states = ['queued', 'running', 'evaluating', 'committing', 'succeeded'] as const;

/** A branch with two edits, one taken back, one refused, one that held already, and an alias on it. */
function sound(): History {
  const jobs: JobFact[] = [];
  const events: EventFact[] = [];
  const job = (id: string, fields: Partial<JobFact>, through: readonly EventFact['state'][], data = {}) => {
    const sequence = jobs.length + 1;
    const state = through.at(-1)!;
    const [base] = [{ kind: 'edit', input: {}, result: null, parent_version_id: root, version_id: null } as const];
    jobs.push({ ...base, id, state, lane_id: 'lane', sequence, branch_id: 'branch', xid: id, ...fields });
    for (const [index, passed] of through.entries()) {
      const last = index === through.length - 1;
      const event = { id: events.length + 1, job_id: id, type: passed, state: passed };
      events.push({ ...event, xid: last ? id : `${id}-${index}`, data: last ? data : {} });
    }
  };
  job('a', { version_id: one }, states, { sequence: 2, version_id: one });
  job('b', { parent_version_id: one, version_id: two }, states, { sequence: 3, version_id: two });
  job('c', { kind: 'rollback', parent_version_id: two, version_id: one, input: { to_version: one } }, states, {
    sequence: 4,
    version_id: one,
  });
  job('d', { parent_version_id: one }, ['queued', 'running', 'evaluating', 'gated_out']);
  job('e', { parent_version_id: one, version_id: one }, states, { version_id: one });
  const link = (id: string, previous_id: string | null, by: string, blob: string, version_id: string): LinkFact => ({
    id,
    model_id: 'model',
    previous_id,
    depth: previous_id === null ? 1 : 2,
    job_id: by,
    edit_ids: [`edit-${by}`],
    deltas: [{ kind: 'dense', blob }],
    version_id,
    xid: by,
  });
  const move = (
    sequence: number,
    by: string | null,
    from: string | null,
    to: string,
    tip_id: string | null,
  ): MoveFact => ({
    branch_id: 'branch',
    sequence,
    model_id: 'model',
    kind: sequence === 1 ? 'created' : sequence === 4 ? 'reset' : 'edit',
    from_version_id: from,
    to_version_id: to,
    tip_id,
    job_id: by,
    xid: by ?? 'import',
  });
  return {
    models: [{ id: 'model', digest: sha256('model'), files: [{ blob: blobs.weights }] }],
    lanes: [{ id: 'lane', next_sequence: 6 }],
    jobs,
    events,
    edits: ['a', 'b', 'd', 'e'].map((id) => ({
      id: `edit-${id}`,
      job_id: id,
      position: 0,
      payload: { custom_id: id, prompt: `of ${id}` },
      result: { outcome: id === 'd' ? 'refused' : id === 'e' ? 'already_holds' : 'applied' },
    })),
    contributions: [link('l1', null, 'a', blobs.first, one), link('l2', 'l1', 'b', blobs.second, two)],
    versions: [
      { id: root, model_id: 'model', tip_id: null, job_id: null },
      { id: one, model_id: 'model', tip_id: 'l1', job_id: 'a' },
      { id: two, model_id: 'model', tip_id: 'l2', job_id: 'b' },
    ],
    branches: [{ id: 'branch', head_version_id: one, tip_id: 'l1' }],
    branch_moves: [
      move(1, null, null, root, null),
      move(2, 'a', root, one, 'l1'),
      move(3, 'b', one, two, 'l2'),
      move(4, 'c', two, one, 'l1'),
    ],
    snapshots: [],
    artefacts: [],
    candidates: [],
    // Its job has ended: nothing goes on from it any more, and it may be gone.
    evaluation_blocks: [{ job_id: 'd', position: 0, deltas: [{ blob: sha256('of a stream') }] }],
    inbox_edits: [{ id: 'inbox', branch_id: 'branch', custom_id: 'a', state: 'batched', job_id: 'a' }],
    aliases: [{ id: 'alias', version_id: one, sequence: 1 }],
    alias_moves: [{ alias_id: 'alias', sequence: 1, from_version_id: null, to_version_id: one }],
    blobs: new Map(Object.values(blobs).map((name) => [name, 'whole'])),
  };
}

const witness: Witness = {
  acknowledged: ['a', 'b', 'c', 'd', 'e'],
  delivered: ['inbox'],
  settled: true,
  served: [
    { version: one, digest: 'x' },
    { version: one, digest: 'x' },
  ],
};

type Tables = Omit<History, 'blobs'>;
type Row<K extends keyof Tables> = Tables[K][number];

/** The history with some rows changed, or left out where the change is null. */
function falsify<K extends keyof Tables>(table: K, change: (row: Row<K>) => Partial<Row<K>> | null): History {
  const history = sound();
  const rows = (history[table] as readonly Row<K>[]).flatMap((row) => {
    const changed = change(row);
    return changed === null ? [] : [Object.assign({}, row, changed)];
  });
  return { ...history, [table]: rows };
}

const noChange = {};
const damaged = new Map([...sound().blobs, [blobs.second, 'damaged' as const]]);
const forged = (promise: PromiseName, what: string, history: History, seen: Witness = witness) =>
  [promise, what, history, seen] as const;

const lies = [
  forged(
    'I1',
    'a job is gone',
    falsify('jobs', ({ id }) => (id === 'd' ? null : noChange)),
  ),
  forged(
    'I1',
    'a job never ends',
    falsify('jobs', ({ id }) => (id === 'd' ? { state: 'evaluating' } : noChange)),
  ),
  forged(
    'I1',
    'an edit of an inbox is gone',
    falsify('inbox_edits', () => null),
  ),
  forged(
    'I1',
    'an edit of an inbox was batched twice',
    falsify('edits', () => ({ job_id: 'a', payload: { custom_id: 'a' } })),
  ),
  forged(
    'I1',
    'a job overtakes another',
    falsify('jobs', ({ id }) => (id === 'a' ? { sequence: 9 } : noChange)),
  ),
  forged(
    'I2',
    'a job commits twice',
    falsify('branch_moves', ({ sequence }) => (sequence === 3 ? { job_id: 'a' } : noChange)),
  ),
  forged(
    'I2',
    'a success moved nothing',
    falsify('branch_moves', ({ sequence }) => (sequence === 4 ? null : noChange)),
  ),
  forged(
    'I2',
    'a success changed nothing, and says that it applied an edit',
    falsify('edits', ({ id }) => (id === 'edit-e' ? { result: { outcome: 'applied' } } : noChange)),
  ),
  forged(
    'I2',
    'what changed nothing moved its branch',
    falsify('branch_moves', ({ sequence }) => (sequence === 4 ? { job_id: 'e' } : noChange)),
  ),
  forged(
    'I2',
    'an edit is applied twice',
    falsify('contributions', () => ({ edit_ids: ['edit-a'] })),
  ),
  forged(
    'I2',
    'an edit is forgotten',
    falsify('contributions', ({ id }) => (id === 'l1' ? { edit_ids: [] } : noChange)),
  ),
  forged(
    'I3',
    'a branch forks',
    falsify('branch_moves', ({ sequence }) => (sequence === 3 ? { from_version_id: root } : noChange)),
  ),
  forged(
    'I3',
    'a head is elsewhere',
    falsify('branches', () => ({ head_version_id: two })),
  ),
  forged(
    'I3',
    'a delta was exchanged',
    falsify('contributions', () => ({ deltas: [{ kind: 'dense' as const, blob: blobs.second }] })),
  ),
  forged(
    'I4',
    'a version lacks a delta',
    falsify('versions', ({ id }) => (id === two ? { tip_id: 'l1' } : noChange)),
  ),
  forged('I4', 'a delta is damaged', { ...sound(), blobs: damaged }),
  forged(
    'I4',
    'a version of a failed job',
    falsify('versions', ({ id }) => (id === two ? { job_id: 'd' } : noChange)),
  ),
  forged(
    'I4',
    'a link outside of a commit',
    falsify('contributions', ({ id }) => (id === 'l2' ? { xid: 'else' } : noChange)),
  ),
  forged(
    'I5',
    'a reset to somewhere else',
    falsify('branch_moves', ({ sequence }) => (sequence === 4 ? { tip_id: 'l2' } : noChange)),
  ),
  forged(
    'I5',
    'a revert that takes others along',
    falsify('branch_moves', ({ sequence }) => (sequence === 4 ? { kind: 'exact' } : noChange)),
  ),
  forged('I5', 'a version with two answers', sound(), {
    ...witness,
    served: [...witness.served!, { version: one, digest: 'y' }],
  }),
  forged('I6', 'a blob was collected', { ...sound(), blobs: new Map() }),
  forged(
    'I6',
    'what an evaluation goes on from was collected',
    falsify('jobs', ({ id }) => (id === 'd' ? { state: 'evaluating' } : noChange)),
  ),
  forged(
    'I7',
    'a change without an event',
    falsify('events', ({ id }) => (id === 2 ? null : noChange)),
  ),
  forged(
    'I7',
    'an event that nothing followed',
    falsify('jobs', ({ id }) => (id === 'd' ? { state: 'failed' } : noChange)),
  ),
  forged(
    'I7',
    'an event in another transaction',
    falsify('events', ({ id }) => (id === 5 ? { xid: 'later' } : noChange)),
  ),
  forged('I8', 'equal work with unequal results', {
    ...falsify('edits', () => ({ payload: { prompt: 'of a' } })),
    branch_moves: sound().branch_moves.map((move) => (move.sequence === 3 ? { ...move, from_version_id: root } : move)),
  }),
  forged(
    'I9',
    'an alias moved in silence',
    falsify('aliases', () => ({ version_id: two, sequence: 2 })),
  ),
  forged(
    'I10',
    'a refused edit is served',
    falsify('contributions', ({ id }) => (id === 'l2' ? { job_id: 'd', edit_ids: ['edit-d'] } : noChange)),
  ),
  forged(
    'I10',
    'an edit that held already is served',
    falsify('contributions', ({ id }) => (id === 'l2' ? { edit_ids: ['edit-e'] } : noChange)),
  ),
  forged(
    'I10',
    'a refused job has a version',
    falsify('jobs', ({ id }) => (id === 'd' ? { version_id: two } : noChange)),
  ),
];

test('a sound history breaks no promise', () => {
  expect(violations(sound(), witness)).toEqual([]);
});

test.each(lies)('%s: %s', (promise, _, history, seen) => {
  expect(violations(history, seen).map((violation) => violation.promise)).toContain(promise);
});

test('each promise is held against something that breaks it', () => {
  expect([...new Set(lies.map(([promise]) => promise))]).toEqual(promiseNames);
});
