// What is installed may be used, changed and passed on: the licence of every package of the lock file, by what it is needed for.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { z } from 'zod';

const lock = z
  .looseObject({
    packages: z.record(
      z.string(),
      z.looseObject({ license: z.string().optional(), dev: z.boolean().optional(), link: z.boolean().optional() }),
    ),
  })
  .parse(JSON.parse(readFileSync(fileURLToPath(new URL('../package-lock.json', import.meta.url)), 'utf8')));

/** Ask for no more than that their text goes along. */
const permissive = [
  ...['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'Unlicense', 'BlueOak-1.0.0'],
  ...['MIT OR Apache-2.0', '(MIT OR CC0-1.0)', 'MIT and ISC', '(AFL-2.1 OR BSD-3-Clause)'],
];
/** Also fine for tools that tests and builds run, and that nobody passes on: a copyleft by file, and Python's own. */
const ofTools = [...permissive, 'MPL-2.0', 'PSF-2.0'];

/** Looked at by a person: what the lock file does not say, or says of what is only carried along. */
const lookedAt: Readonly<Record<string, string>> = {
  'node_modules/elkjs':
    'EPL-2.0; comes with the Prisma command, which does not load it for what we ask of it; unchanged',
  'node_modules/busboy': 'MIT, by its LICENSE; for tests',
  'node_modules/streamsearch': 'MIT, by its LICENSE; for tests',
  'node_modules/humanize-number': 'MIT, by its Readme; for tests',
  'node_modules/only': 'MIT, by its Readme; for tests',
};

const installed = Object.entries(lock.packages).filter(([path, { link }]) => path.includes('node_modules/') && !link);

test('every package has a licence that fits what it is for, or was looked at', () => {
  expect(installed.length).toBeGreaterThan(300);
  const wrong = installed.filter(
    ([path, { license = 'none', dev }]) =>
      !(dev === true ? ofTools : permissive).includes(license) && !(path in lookedAt),
  );
  expect(wrong.map(([path, { license = 'none' }]) => `${path}: ${license}`)).toEqual([]);
});

test('whatever was looked at is still there', () => {
  const paths = new Set(installed.map(([path]) => path));
  expect(Object.keys(lookedAt).filter((path) => !paths.has(path))).toEqual([]);
});
