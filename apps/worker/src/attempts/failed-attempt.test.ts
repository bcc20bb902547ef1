// Whose fault decides: the user's is final at once, passing trouble is tried again, a lost lease is nobody's to record.
import { ErrataError } from '@errata/contracts';
import { expect, test } from 'vitest';
import { Interruption, judgeFailure, retryDelay } from './failed-attempt.ts';

test('a mistake in the request is rejected at once', () => {
  const error = new ErrataError('prompt_too_long', 'too long');
  expect(judgeFailure(error, 1, 100)).toEqual({ kind: 'rejected', error });
});

test('an editor that failed fails the job at once', () => {
  for (const code of ['zero_delta', 'non_finite_delta', 'edit_failed'] as const)
    expect(judgeFailure(new ErrataError(code, code), 1, 100)).toMatchObject({ kind: 'failed', error: { code } });
});

test('passing trouble is tried again, with growing pauses', () => {
  const error = new ErrataError('engine_crashed', 'gone');
  expect(judgeFailure(error, 1, 100)).toEqual({ kind: 'retry', error, delayMs: 100 });
  expect(judgeFailure(error, 2, 100)).toEqual({ kind: 'retry', error, delayMs: 200 });
  expect(retryDelay(100, 40)).toBe(60_000);
});

test('what nobody expected counts as internal and keeps its cause', () => {
  const cause = new TypeError('x is undefined');
  expect(judgeFailure(cause, 1, 100)).toMatchObject({ kind: 'retry', error: { code: 'internal', cause } });
});

test('a superseded worker records nothing', () => {
  for (const code of ['lease_lost', 'stale_epoch'] as const)
    expect(judgeFailure(new ErrataError(code, code), 3, 100)).toEqual({ kind: 'let_go' });
  expect(judgeFailure(new Interruption('let_go', 'lease lost'), 1, 100)).toEqual({ kind: 'let_go' });
});

test('interruptions are told apart', () => {
  expect(judgeFailure(new Interruption('cancelled', 'by a person'), 1, 100)).toEqual({ kind: 'cancelled' });
  expect(judgeFailure(new Interruption('hand_back', 'stopping'), 9, 100)).toEqual({ kind: 'hand_back' });
});
