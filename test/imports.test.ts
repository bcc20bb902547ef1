// The house holds: imports point one way, packages are entered by their face, and every file says what it is for.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const rooms = ['packages', 'apps'].flatMap((wing) =>
  readdirSync(join(root, wing)).map((name) => ({ name, wing, folder: join(root, wing, name) })),
);
const sources = rooms.flatMap((room) =>
  readdirSync(room.folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path) && !/node_modules|generated/.test(path))
    .map((path) => ({ room, path: join(room.folder, path), text: readFileSync(join(room.folder, path), 'utf8') })),
);
const imported = (text: string) =>
  [...text.matchAll(/(?:^|\n)(?:import|export)[^;'"]*?from ['"]([^'"]+)['"]/g)].map((match) => match[1]!);

/** What each package may import of ours. */
const allowed: Record<string, readonly string[]> = {
  contracts: [],
  failpoints: ['contracts'],
  host: ['contracts'],
  graph: [],
  models: ['contracts', 'host', 'graph'],
  editors: ['contracts', 'host', 'graph', 'models'],
  evaluation: ['contracts', 'host', 'models', 'editors', 'editors/catalogue'],
  atlas: ['contracts', 'graph', 'models', 'editors'],
  blobs: ['contracts', 'host', 'failpoints'],
  queue: ['contracts'],
  tracing: ['contracts'],
  lineage: ['contracts', 'failpoints', 'tracing'],
  sdk: ['contracts'],
  webhooks: ['contracts'],
  upkeep: ['contracts', 'failpoints', 'blobs', 'lineage'],
  'local-services': [],
  programs: [],
  engine: ['contracts', 'host', 'tracing', 'blobs', 'graph', 'models', 'editors', 'editors/catalogue', 'evaluation'],
};

test('every package is in the table', () => {
  expect(
    rooms
      .filter(({ wing }) => wing === 'packages')
      .map(({ name }) => name)
      .sort(),
  ).toEqual(Object.keys(allowed).sort());
});

test('imports between packages point one way', () => {
  const wrong = sources
    .filter(({ room, path }) => room.wing === 'packages' && !path.endsWith('.test.ts'))
    .flatMap(({ room, path, text }) =>
      imported(text)
        .filter((name) => name.startsWith('@errata/'))
        .map((name) => name.slice('@errata/'.length))
        .filter((name) => !allowed[room.name]?.includes(name))
        .map((name) => `${relative(root, path)} imports ${name}`),
    );
  expect(wrong).toEqual([]);
});

test('nobody reaches past the face of another package', () => {
  const wrong = sources.flatMap(({ room, path, text }) =>
    imported(text)
      .filter((name) => name.startsWith('.') && !resolve(dirname(path), name).startsWith(`${room.folder}/`))
      .filter((name) => !resolve(dirname(path), name).startsWith(join(root, 'test')))
      .map((name) => `${relative(root, path)} imports ${name}`),
  );
  expect(wrong).toEqual([]);
});

test('what only tests share is imported by nothing else', () => {
  const wrong = sources
    .filter(({ path }) => !/\.(test|fixture)\.ts$/.test(path))
    .flatMap(({ path, text }) =>
      imported(text)
        .filter((name) => name.endsWith('.fixture.ts') || name.includes('/test/support/'))
        .map((name) => `${relative(root, path)} imports ${name}`),
    );
  expect(wrong).toEqual([]);
});

test('the first line of every file says what it is for', () => {
  const silent = sources.filter(({ text }) => !text.startsWith('// ')).map(({ path }) => relative(root, path));
  expect(silent).toEqual([]);
});

/** The rooms of the contracts, each with those that it may know of; what lies beside them may be known by all. */
const contractRooms: Record<string, readonly string[]> = {
  platform: [],
  text: ['platform', 'running'],
  running: ['platform'],
  time: [],
  metrics: ['text'],
  wire: ['text', 'time', 'metrics'],
  rules: ['platform', 'text', 'running', 'metrics', 'wire'],
};

test('what crosses the wire knows nothing of the rules that are made of it', () => {
  const inside = sources.filter(({ path }) => /contracts\/src\/\w+\//.test(path) && !path.endsWith('.test.ts'));
  const roomOf = (path: string) => /contracts\/src\/(\w+)\//.exec(path)?.[1];
  expect([...new Set(inside.map(({ path }) => roomOf(path)))].sort()).toEqual(Object.keys(contractRooms).sort());
  const wrong = inside.flatMap(({ path, text }) =>
    imported(text)
      .map((name) => (name === '#platform' ? 'platform' : name.startsWith('.') && roomOf(resolve(dirname(path), name))))
      .filter((room) => typeof room === 'string' && room !== roomOf(path))
      .filter((room) => !contractRooms[roomOf(path)!]?.includes(room as string))
      .map((room) => `${relative(root, path)} imports from ${room}`),
  );
  expect(wrong).toEqual([]);
});
