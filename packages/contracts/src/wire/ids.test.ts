// Names that are names, and what is suggested for those that are none.
import { expect, test } from 'vitest';
import { idPrefixes } from './ids.ts';
import { nameSchema, nearestName } from './resource-parts.ts';

const complaint = (name: string) => nameSchema.safeParse(name).error?.issues[0]?.message;
const id = '01m7yck8kz0000bxpjs62fe19y';

test('a name is none that an id could be', () => {
  for (const name of ['atlas', 'gpt2.small', '7b', 'model_small', 'editor', 'jobs', 'versions', `team_${id}`, 'model'])
    expect(complaint(name)).toBeUndefined();
  for (const name of [
    ...idPrefixes.map((prefix) => `${prefix}_${id}`),
    'ver_',
    'ver_small',
    'job_1',
    'edit_tests',
    `ver_${'0'.repeat(60)}`,
  ])
    expect(complaint(name), name).toContain('looks like an id');
});

test.each([
  ['meta-llama/Llama-2', 'meta-llama-llama-2'],
  ['Qwen2.5-0.5B', 'qwen2.5-0.5b'],
  ['GPT-2', 'gpt-2'],
  ['my model', 'my-model'],
  ['../models/x', 'models-x'],
  ['Größe', 'gro-e'],
  ['name@branch', 'name-branch'],
  ['-x-', 'x'],
  [`${'a'.repeat(63)}/b`, 'a'.repeat(63)],
  ['x'.repeat(100_000), 'x'.repeat(64)],
])('%s is no name, and a near one is suggested', (name, near) => {
  expect(complaint(name)).toContain(`try ${JSON.stringify(near)}`);
  expect(nameSchema.safeParse(near).success).toBe(true);
});

test.each(['', '///', '模型', `MODEL_${id}`, 'VER_1'])('%j is no name, and none is near', (name) => {
  expect(nearestName(name)).toBeNull();
  expect(complaint(name)).not.toContain('try');
});
