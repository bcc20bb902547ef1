// A short run of the fuzzer of files, and every file that a long one ever found: each is read, or refused with an error that says why.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { fileNamePart, formats } from './files/formats.ts';
import { type FileFinding, fuzzFiles, readOne } from './files/fuzz-files.ts';

const scratch = mkdtempSync(join(tmpdir(), 'errata-fuzz-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test.each(formats)('made-up files of the kind $name are read or refused', async (format) => {
  const findings: FileFinding[] = [];
  const report = await fuzzFiles(format, {
    count: 40,
    seed: 7,
    scratch,
    onFinding: (finding) => findings.push(finding),
  });
  expect(findings).toEqual([]);
  expect(report.read + report.refused).toBe(40);
});

const corpus = fileURLToPath(new URL('files/corpus', import.meta.url));

test.each(readdirSync(corpus))('%s, which was once found, is read or refused', async (name) => {
  const format = formats.find((each) => name.startsWith(`${fileNamePart(each.name)}-`))!;
  expect(await readOne(format, readFileSync(join(corpus, name)), scratch)).not.toHaveProperty('why');
});
