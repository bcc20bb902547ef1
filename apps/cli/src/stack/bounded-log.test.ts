// A log that is full is set aside, and only a few are kept.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openBoundedLog } from './bounded-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-log-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('files stay small, few and whole, what came last is kept, and what was there before counts', () => {
  const file = join(folder, 'api.log');
  writeFileSync(file, 'from before\n');
  const log = openBoundedLog(file, 1000);
  const lines = Array.from({ length: 500 }, (_, number) => `line ${number} ${'x'.repeat(40)}\n`);
  const text = Buffer.from(lines.join(''));
  // In pieces that end anywhere.
  for (let at = 0; at < text.length; at += 77) log.write(text.subarray(at, at + 77));
  log.close();
  expect(readdirSync(folder).sort()).toEqual(['api.log', 'api.log.1', 'api.log.2', 'api.log.3']);
  const kept = ['.3', '.2', '.1', ''].map((age) => readFileSync(file + age, 'utf8'));
  for (const part of kept) expect(part.length).toBeLessThan(1200);
  for (const part of kept.slice(0, 3)) expect(part).toMatch(/^line \d+ x+\n/);
  expect(text.toString()).toMatch(new RegExp(`${kept.join('')}$`));
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('what cannot be written is lost, and whoever logs does not notice', () => {
  const log = openBoundedLog(join(folder, 'nowhere', 'api.log'));
  log.write(Buffer.from('a line\n'));
  log.close();
});
