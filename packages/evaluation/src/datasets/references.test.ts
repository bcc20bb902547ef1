// Reference texts: whose they become, and what is refused.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { editSchema } from '@errata/contracts';
import { afterAll, expect, it } from 'vitest';
import { readReferences, withReferences } from './references.ts';
import { withTextPrompts } from './text-prompts.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-references-'));
const file = join(folder, 'references.jsonl');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const written = (lines: readonly string[]) => {
  writeFileSync(file, lines.join('\n'));
  return readReferences(file);
};

const caseOf = (id: string) => ({
  id,
  edits: [editSchema.parse({ custom_id: id, prompt: 'Oz is', subject: 'Oz', target_new: 'green' })],
});

it('belong to the cases of their ids and leave all else as it is', async () => {
  const found = await written(['{"id": "a", "consistency": ["Emeralds are green."]}', '', '{"id": "c"}']);
  const [a, b] = [caseOf('a'), { ...caseOf('b'), generation: { prompts: ['Oz'], attribute: ['Ix is'] } }];
  const references = { consistency: ['Emeralds are green.'], essence: [] };
  expect(withReferences([a, b], found)).toEqual([{ ...a, generation: { prompts: [], attribute: [], references } }, b]);
  expect(withTextPrompts(withReferences([a], found)[0]!).generation).toEqual({
    prompts: ['Oz is'],
    attribute: [],
    references,
  });
  expect(withReferences([{ ...b, id: 'a' }], found)[0]!.generation).toEqual({ ...b.generation, references });
});

it('come in an array too', async () => {
  expect([...(await written(['[{"id": "a", "essence": null}]'])).keys()]).toEqual(['a']);
});

it('are refused with every fault of every line', async () => {
  const lines = ['{"id": "a", "essence": [" "]}', 'Oz', '{"id": "a"}', '{"id": "a"}', '{"id": "b", "texts": []}'];
  await expect(written(lines)).rejects.toMatchObject({
    code: 'invalid_request',
    errors: [
      { field: 'essence.0', message: expect.stringMatching(/^record 0: /) },
      { field: '', message: expect.stringMatching(/^record 1: /) },
      { field: 'id', message: 'record 3: "a" is there twice' },
      { field: '', message: expect.stringMatching(/^record 4: .*"texts"/) },
    ],
  });
});
