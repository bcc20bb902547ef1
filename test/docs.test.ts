// Documentation that can be checked is checked.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { abilityTasks, datasetRules, layouts } from '@errata/evaluation';
import { expect, test } from 'vitest';
import { exitCodes } from '../apps/cli/src/output/exit-codes.ts';
import { editorsPage } from '../scripts/document-editors.ts';
import { errorsPage } from '../scripts/document-errors.ts';
import { metricsPage } from '../scripts/document-metrics.ts';

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');

test('docs/errors.md lists the catalogue (npm run docs:errors writes it)', () => {
  expect(read('docs/errors.md')).toBe(errorsPage());
});

test('docs/editors.md lists every setting with its defaults (npm run docs:editors writes it)', () => {
  expect(read('docs/editors.md')).toBe(editorsPage());
});

test('docs/metrics.md lists the catalogue (npm run docs:metrics writes it)', () => {
  expect(read('docs/metrics.md')).toBe(metricsPage());
});

test('docs/general-ability.md describes every task and template', () => {
  const page = read('docs/general-ability.md');
  for (const { id, template } of Object.values(abilityTasks)) {
    expect(page).toContain(`| \`${id}\` |`);
    expect(page).toContain(`| \`${template}\` |`);
  }
});

test('docs/datasets.md describes every layout and every rule', () => {
  const page = read('docs/datasets.md');
  for (const { name } of layouts) expect(page).toContain(`| \`${name}\` |`);
  for (const rule of Object.keys(datasetRules)) expect(page).toContain(`| \`${rule}\` |`);
});

test('docs/cli.md names every command and every exit code', () => {
  const page = read('docs/cli.md');
  const commands = [...read('apps/cli/src/main.ts').matchAll(/import\('\.\/commands\/([a-z-]+)\.ts'\)/g)].map(
    ([, name]) => name,
  );
  expect(commands.length).toBeGreaterThan(10);
  for (const command of commands) expect(page).toContain(`\`errata ${command}`);
  for (const code of Object.values(exitCodes)) expect(page).toContain(`| ${code} |`);
});
