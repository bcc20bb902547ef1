// Which deltas belong together, and what is said of candidates that changed nothing or failed their gate.
import { editSchema, sha256 } from '@errata/contracts';
import type { BuiltDelta } from '@errata/engine';
import type { StoredEdit } from '@errata/lineage';
import { expect, test } from 'vitest';
import { groupDeltas, judgeCandidate } from './candidate.ts';

const edits = ['a', 'b', 'c'].map(
  (name, position): StoredEdit => ({
    id: `edit_${name}`,
    job_id: 'job_1',
    position,
    edit: editSchema.parse({ custom_id: name, prompt: `${name} is`, subject: name, target_new: ' x' }),
    result: null,
    erased_at: null,
  }),
);
const delta = (name: string, ...positions: number[]): BuiltDelta => ({
  kind: 'low_rank',
  blob: sha256(name),
  bytes: 10,
  positions,
  norm: null,
});
const grouped = (...deltas: BuiltDelta[]) =>
  groupDeltas('job_1', edits, deltas).map((group) => ({
    edits: group.edit_ids.join(),
    deltas: group.deltas.map(({ blob }) => deltas.findIndex((known) => known.blob === blob)).join(),
    bytes: group.bytes,
  }));

test('edits solved one by one can be taken back one by one', () => {
  expect(grouped(delta('1', 0), delta('2', 1), delta('3', 2))).toEqual([
    { edits: 'edit_a', deltas: '0', bytes: 10 },
    { edits: 'edit_b', deltas: '1', bytes: 10 },
    { edits: 'edit_c', deltas: '2', bytes: 10 },
  ]);
});

test('several layers of one solve are one contribution', () => {
  expect(grouped(delta('1', 0, 1, 2), delta('2', 0, 1, 2))).toEqual([
    { edits: 'edit_a,edit_b,edit_c', deltas: '0,1', bytes: 20 },
  ]);
});

test('where deltas overlap in part the order of installation stays', () => {
  expect(grouped(delta('1', 0), delta('2', 1), delta('3', 2), delta('4', 1))).toEqual([
    { edits: 'edit_a', deltas: '0', bytes: 10 },
    { edits: 'edit_b,edit_c', deltas: '1,2,3', bytes: 30 },
  ]);
});

test('a refusal says what was measured and what was asked', () => {
  const policy = {
    rules: [
      { metric: 'locality' as const, min: 0.7 },
      { metric: 'delta_norm' as const, min: 0, max: 1 },
      { metric: 'perplexity_ratio' as const, max: 2 },
    ],
  };
  const { verdict, refusal } = judgeCandidate(
    { policy },
    {
      measured: { values: { locality: 0.51234, delta_norm: Number.NaN, perplexity_ratio: 1 } },
    },
  );
  expect(verdict.passed).toBe(false);
  expect(verdict.policy_revision).toBeUndefined();
  expect(refusal).toMatchObject({
    code: 'gate_refused',
    message:
      'locality is 0.5123, and must be at least 0.7; delta_norm is not finite, and must be at least 0 and at most 1',
  });
  expect(judgeCandidate({ policy, revision: 3 }, { measured: { values: {} } }).refusal).toBeNull();
});
