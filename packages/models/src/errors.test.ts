// The error catalogue against the code: nothing thrown that it does not list, nothing listed that nothing throws.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ModelError, modelErrorCatalogue } from './errors.ts';

const source = fileURLToPath(new URL('.', import.meta.url));
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const textOf = (wanted: (name: string) => boolean): string =>
  files
    .filter((name) => name !== 'errors.ts' && name !== 'errors.test.ts' && wanted(name))
    .map((name) => readFileSync(`${source}/${name}`, 'utf8'))
    .join('\n');

const code = textOf((name) => !name.endsWith('.test.ts'));
const tests = textOf((name) => name.endsWith('.test.ts'));

const catalogue = Object.entries(modelErrorCatalogue);

test.each(catalogue)('%s is thrown by the code', (name, meaning) => {
  expect(meaning.length).toBeGreaterThan(10);
  expect(code.includes(`'${name}'`)).toBe(true);
});

const fromInput = /^(safetensors|checkpoint|adapter|gguf|tokenizer|layout)_/;
test.each(catalogue.filter(([name]) => fromInput.test(name)))('%s is provoked by a test', (name) => {
  expect(tests.includes(`'${name}'`)).toBe(true);
});

test('an error carries its fields, and a message made of them', () => {
  const cause = new Error('disk');
  const error = new ModelError('safetensors_unreadable', {
    where: 'a.safetensors',
    what: 'it is gone',
    hint: 'Look',
    cause,
  });
  expect(error).toMatchObject({
    name: 'ModelError',
    code: 'safetensors_unreadable',
    where: 'a.safetensors',
    what: 'it is gone',
    hint: 'Look',
    message: 'a.safetensors: it is gone. Look',
    cause,
  });
  expect(new ModelError('layout_target_empty', { where: 'x', what: 'y', hint: 'z' })).not.toHaveProperty('cause');
});
