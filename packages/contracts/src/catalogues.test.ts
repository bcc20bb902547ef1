// Catalogues are closed: counting them makes every addition and removal a decision.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { errorCatalogue } from './errors.ts';
import * as contracts from './index.ts';
import { canMove, isTerminal } from './rules/job-moves.ts';
import { rootManifest, rootVersionId, versionId, versionIds } from './rules/version-ids.ts';
import { canonicalJson } from './text/canonical.ts';
import { jobStates } from './wire/states.ts';

test('the build is the one that package.json names', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  expect(contracts.build).toBe(version);
});

test('errors and states are counted', () => {
  expect(Object.keys(errorCatalogue)).toHaveLength(102);
  expect(jobStates).toHaveLength(12);
});

test('succeeded is final; failed and cancelled can only be retried', () => {
  expect(jobStates.filter((to) => canMove('succeeded', to))).toEqual([]);
  expect(jobStates.filter((to) => canMove('failed', to))).toEqual(['waiting', 'queued']);
  expect(jobStates.filter(isTerminal)).toEqual([
    'succeeded',
    'completed_with_errors',
    'gated_out',
    'rejected',
    'cancelled',
    'failed',
  ]);
});

test('a version id follows from the model and its deltas in order, and grows delta by delta', () => {
  const root = rootManifest('0'.repeat(64));
  const [first, second] = ['a', 'b'].map((digit) => ({ kind: 'low_rank' as const, blob: digit.repeat(64) }));
  const whole = { ...root, deltas: [first!, second!] };
  expect(versionId(root)).toBe(rootVersionId(root.model));
  expect(versionIds(whole)).toEqual([versionId(root), versionId({ ...root, deltas: [first!] }), versionId(whole)]);
  expect(versionId({ deltas: [second!, first!], model: root.model })).not.toBe(versionId(whole));
  const snapshot = { version: versionId({ ...root, deltas: [first!] }), blob: 'c'.repeat(64) };
  expect(versionId({ model: root.model, snapshot, deltas: [second!] })).toBe(versionId(whole));
  expect(canonicalJson({ b: 1, a: [undefined === null, 'é'] })).toBe('{"a":[false,"é"],"b":1}');
  expect(() => canonicalJson({ a: Number.NaN })).toThrow('NaN');
});

test('no two schemas have one name in the document of the API', () => {
  const ids = Object.values(contracts).flatMap((value) =>
    value instanceof z.ZodType ? [z.globalRegistry.get(value)?.id ?? []].flat() : [],
  );
  expect(ids.length).toBeGreaterThan(50);
  expect(ids).toEqual([...new Set(ids)]);
});
