// Documentation that can be checked is checked.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { abilityTasks, datasetRules, layouts } from '@errata/evaluation';
import { expect, test } from 'vitest';
import { exitCodes } from '../apps/cli/src/output/exit-codes.ts';
import { editorsPage } from '../scripts/document-editors.ts';
import { errorsPage } from '../scripts/document-errors.ts';
import { metricsPage } from '../scripts/document-metrics.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter(
  (path) => path.endsWith('.md'),
);

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
  const commands = [...read('apps/cli/src/main.ts').matchAll(/^ {2}'?([a-z-]+)'?: \(\) => import\(/gm)].map(
    ([, name]) => name,
  );
  expect(commands.length).toBeGreaterThan(10);
  for (const command of commands) expect(page).toContain(`\`errata ${command}`);
  for (const code of Object.values(exitCodes)) expect(page).toContain(`| ${code} |`);
});

test('docs/cli.md names every setting of the API and of workers', () => {
  const page = read('docs/cli.md');
  const files = ['apps/api/src/settings.ts', 'apps/worker/src/settings.ts', 'packages/blobs/src/place.ts'];
  const settings = files.flatMap((file) =>
    [...read(file).matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map(([, name]) => name!),
  );
  expect(settings.length).toBeGreaterThan(30);
  expect(settings.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('docs/threats.md names tests that are there', () => {
  const rows = [...read('docs/threats.md').matchAll(/\]\(\.\.\/(\S+\.test\.ts)\): "([^"]+)"/g)];
  expect(rows.length).toBeGreaterThan(20);
  const absent = rows.filter(([, file, title]) => !read(file!).includes(`('${title}',`));
  expect(absent.map(([, file, title]) => `${file}: ${title}`)).toEqual([]);
});

test('every file and script that a page names is there', () => {
  const hasScript = ({ folder, script }: { folder: string | undefined; script: string }) =>
    JSON.parse(read(join(folder ?? '.', 'package.json'))).scripts?.[script] !== undefined;
  const files = pages.flatMap((page) => {
    const text = read(page);
    const linked = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, path]) => join(dirname(page), path!));
    const named = [...text.matchAll(/`((?:apps|bench|docs|models|packages|prisma|scripts|test)\/[\w./-]+)`/g)]
      .map(([, path]) => path!)
      // What a guide adds as its example.
      .filter((path) => !path.endsWith('/notes.ts'));
    return [...linked, ...named].map((path) => ({ page, path }));
  });
  const run = pages.flatMap((page) =>
    [...read(page).matchAll(/npm run ([\w:]+)(?: -w ([\w/]+))?/g)].map(([, script, folder]) => ({
      ...{ page, folder },
      script: script!,
    })),
  );
  expect(files.length).toBeGreaterThan(80);
  expect(run.length).toBeGreaterThan(10);
  expect(files.filter(({ path }) => !existsSync(join(root, path)))).toEqual([]);
  expect(run.filter((each) => !hasScript(each))).toEqual([]);
});
