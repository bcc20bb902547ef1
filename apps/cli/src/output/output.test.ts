// What is printed away from a terminal, and what errors say: everything once, and the last word is the last state.
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ErrataError } from '@errata/contracts';
import { afterEach, expect, test, vi } from 'vitest';
import { bar, printError, progressLine, table } from './output.ts';

afterEach(() => vi.restoreAllMocks());

test('progress ends with how far each stage came', async () => {
  const stream = new PassThrough();
  const line = progressLine(stream as unknown as NodeJS.WriteStream);
  for (const done of [0, 1, 2, 3]) line.update('read', `${done}/3`);
  line.update('written', '1/1');
  line.done();
  line.done();
  stream.end();
  expect(await text(stream)).toBe('read 0/3\nread 3/3\nwritten 1/1\n');
});

test('a bar shows more than all as all, and anything else that makes no sense as nothing', () => {
  expect(bar(3, 6, 4)).toBe('██░░ 3/6');
  expect(bar(16_256, 10_000, 4)).toBe('████ 16256/10000');
  for (const [done, total] of [
    [0, 0],
    [5, 0],
    [-5, 10],
    [Number.NaN, 10],
  ] as const)
    expect(bar(done, total, 4)).toBe(`░░░░ ${done}/${total}`);
});

/** What people are told of a failure. */
function told(thrown: unknown): string {
  const lines: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line));
  printError(thrown, false);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  return lines.join('\n').replace(/\x1b\[\d+m/g, '');
}

test('an error names a field once, and says nothing twice', () => {
  const code = 'invalid_request';
  const complaints = [
    { code, field: 'cron', pointer: '/cron', message: 'it is never due' },
    { code, field: 'budget.edits_per_day', pointer: '/budget/edits_per_day', message: 'too small' },
    { code, line: 2, field: 'subject', message: 'missing' },
  ] as const;
  expect(told(new ErrataError(code, 'body: cron: it is never due', { errors: complaints }))).toBe(
    'error invalid_request body: cron: it is never due\n  /budget/edits_per_day: too small\n  line 2, subject: missing',
  );
});

test('what the system refuses about a file is a mistake of whoever named it', () => {
  const refused = (code: string) => Object.assign(new Error(code), { code, syscall: 'mkdir', path: 'out/x' });
  expect(told(refused('EEXIST'))).toBe('error output_exists out/x is there already');
  expect(told(new ErrataError('internal', 'wrapped', { cause: refused('ENOTDIR') }))).toContain(
    'out/x lies under a file',
  );
  expect(told(refused('EACCES'))).toBe('error invalid_request you may not use out/x');
  expect(told(refused('EROFS'))).toContain('out/x cannot be written');
  const known = new ErrataError('invalid_request', 'matrix.ts cannot be loaded', { cause: refused('ENOENT') });
  expect(told(known)).toBe('error invalid_request matrix.ts cannot be loaded');
});

test('a row of a table is one line, in its columns, whatever a text holds', () => {
  const rows = [
    ['a', 'Q: who?\nA:', ' Anna\r\n'],
    ['b', 'tab\there', 'bell\x07 and \x1b[31mred'],
    ['c', 'para\u2029graph', 'plain'],
  ];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  expect(table(['edit', 'prompt', 'answer'], rows).replace(/\x1b\[\d+m/g, '')).toBe(
    [
      'edit  prompt      answer',
      'a     Q: who?⏎A:   Anna⏎',
      'b     tab⇥here    bell\\x07 and \\x1b[31mred',
      'c     para⏎graph  plain',
    ].join('\n'),
  );
});
