// Wherever people name an editor they may write it in any case, and what is kept is its one name.
import { expect, test } from 'vitest';
import { branchRequestSchema } from './wire/branches.ts';
import { editJobRequestSchema } from './wire/edit-jobs.ts';
import { evaluationRequestSchema } from './wire/evaluations.ts';
import { scheduleChangeSchema, scheduleRequestSchema } from './wire/schedules.ts';

test('requests that name one keep its name', () => {
  const model = 'atlas';
  expect(editJobRequestSchema.parse({ model, edits: [], editor: 'FT-M' }).editor).toBe('ft-m');
  expect(scheduleRequestSchema.parse({ name: 'x', model, when_pending: 1, editor: 'FT-M' }).editor).toBe('ft-m');
  expect(scheduleChangeSchema.parse({ editor: 'FT-M' }).editor).toBe('ft-m');
  expect(evaluationRequestSchema.parse({ model, suite: 'applied', editor: 'FT-M' }).editor).toBe('ft-m');
  expect(branchRequestSchema.parse({ name: 'x', default_editor: 'GRACE' }).default_editor).toBe('grace');
});
