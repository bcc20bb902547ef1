// Wherever people name an editor they may write it in any case, and what is kept is its one name.
import { expect, test } from 'vitest';
import { modelDefaultsSchema, requireEditor } from './editor-configs.ts';
import { artefactRequestSchema } from './wire/artefacts.ts';
import { branchRequestSchema } from './wire/branches.ts';
import { editJobRequestSchema } from './wire/edit-jobs.ts';
import { evaluationRequestSchema } from './wire/evaluations.ts';
import { scheduleChangeSchema, scheduleRequestSchema } from './wire/schedules.ts';

test('an editor is known in any case; one that is none is quoted as it was written', () => {
  expect(['ROME', 'R-Rome', 'FT-M', 'grace'].map(requireEditor)).toEqual(['rome', 'r-rome', 'ft-m', 'grace']);
  expect(() => requireEditor('ROMA')).toThrow('unknown editor "ROMA"; there are ');
});

test('requests and files that name one keep its name', () => {
  const model = 'atlas';
  expect(editJobRequestSchema.parse({ model, edits: [], editor: 'FT-M' }).editor).toBe('ft-m');
  expect(scheduleRequestSchema.parse({ name: 'x', model, when_pending: 1, editor: 'FT-M' }).editor).toBe('ft-m');
  expect(scheduleChangeSchema.parse({ editor: 'FT-M' }).editor).toBe('ft-m');
  expect(evaluationRequestSchema.parse({ model, suite: 'applied', editor: 'FT-M' }).editor).toBe('ft-m');
  expect(artefactRequestSchema.parse({ model, kind: 'second_moment', editor: 'MEMIT' }).editor).toBe('memit');
  expect(branchRequestSchema.parse({ name: 'x', default_editor: 'GRACE' }).default_editor).toBe('grace');
  expect(branchRequestSchema.safeParse({ name: 'x', default_editor: 'ROMA' }).error?.issues).toMatchObject([
    { path: ['default_editor'], message: expect.stringContaining('there are r-rome') },
  ]);
  expect(modelDefaultsSchema.parse({ editors: { 'R-ROME': { layer: 1 } } }).editors).toEqual({
    'r-rome': { layer: 1 },
  });
});
