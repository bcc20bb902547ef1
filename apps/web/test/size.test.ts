// What a browser must fetch before it shows the first page, as it was measured when it was built.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { build } from '../build.js';

const largest = 200_000;
const dist = new URL('../dist/', import.meta.url);

interface Chunk {
  readonly file: string;
  readonly css?: readonly string[];
  readonly assets?: readonly string[];
  readonly imports?: readonly string[];
  readonly dynamicImports?: readonly string[];
}

let chunks: Readonly<Record<string, Chunk>>;
beforeAll(async () => {
  await build();
  chunks = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));
});

/** Files of a chunk and of all that it cannot do without. */
function filesOf(name: string, seen = new Set<string>()): Set<string> {
  const chunk = chunks[name];
  if (chunk === undefined || seen.has(chunk.file)) return seen;
  for (const file of [chunk.file, ...(chunk.css ?? []), ...(chunk.assets ?? [])]) seen.add(file);
  for (const imported of chunk.imports ?? []) filesOf(imported, seen);
  return seen;
}

const packed = (file: string) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;

test('the first page takes 200 kB at most, packed, whichever page comes first', () => {
  const frame = filesOf('index.html');
  const pages = (chunks['index.html']!.dynamicImports ?? []).filter((name) => name.startsWith('src/pages/'));
  expect(pages.length).toBeGreaterThan(2);
  for (const page of pages) {
    const files = [...new Set([...frame, ...filesOf(page)])];
    const size = files.reduce((sum, file) => sum + packed(file), packed('index.html'));
    expect.soft({ page, small: size <= largest, size }).toMatchObject({ page, small: true });
  }
});

test('nothing is fetched from elsewhere, and no script or style stands in the page', () => {
  const page = readFileSync(new URL('index.html', dist), 'utf8');
  const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
  expect(addresses.length).toBeGreaterThan(1);
  for (const address of addresses) expect(address).toMatch(/^\/assets\/[\w-]+-[\w-]{8}\.(js|css|svg)$/);
  expect(page).not.toMatch(/<style|<script(?![^>]*src=)|style="/);
});
