// Records that nobody foresaw: whatever stands in a field, a record is used or rejected by name, and never breaks a file.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { editSchema } from '@errata/contracts';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { layouts } from './catalogue.ts';
import { detectLayout, openDataset, readDataset } from './read-dataset.ts';
import { datasetRules } from './rules.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'errata-hostile-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const seed = 20;

const records = [
  ...['counterfact', 'counterfact-flat', 'zsre-mend', 'zsre-knowedit', 'wiki-counterfact', 'wikibio', 'ripple-edits'],
  ...['mquake', 'known-1000', 'squad-flat'],
].flatMap((name) => {
  const text = readFileSync(fileURLToPath(new URL(`fixtures/${name}.json`, import.meta.url)), 'utf8');
  return JSON.parse(text.replace(/^\ufeff/, '')) as unknown[];
});
const lineRecords = ['csqa', 'anli', 'nq-open'].flatMap((name) =>
  readFileSync(fileURLToPath(new URL(`fixtures/${name}.jsonl`, import.meta.url)), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown),
);
const mmlu = { question: 'Which?', choices: ['this', 'that'], answer: 1, subject: 'pronouns' };

const oddities: readonly unknown[] = [
  ...[
    null,
    0,
    -1,
    1e300,
    true,
    '',
    ' ',
    '{}',
    '{}{}',
    '\u0000',
    '\ud800',
    'constructor',
    '__proto__',
    'x'.repeat(5000),
  ],
  ...[[], [[]], [null], {}, { length: 1 }, [[['a']]], { text: null }, { prompt: 3 }],
];

/** A copy of a record in which one part, at any depth, is another or gone. */
function spoil(record: unknown, steps: readonly number[], oddity: unknown): unknown {
  const [step, ...deeper] = steps;
  if (typeof record !== 'object' || record === null || step === undefined) return oddity;
  const keys = Object.keys(record);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return oddity;
  const copy: Record<string, unknown> | unknown[] = Array.isArray(record) ? [...record] : { ...record };
  const place = copy as Record<string, unknown>;
  if (deeper.length === 0 && step % 5 === 0) delete place[key];
  else place[key] = spoil(place[key], deeper, oddity);
  return copy;
}

const hostile = fc
  .tuple(
    fc.constantFrom(...records, ...lineRecords, mmlu),
    fc.array(fc.nat(12), { maxLength: 5 }),
    fc.oneof(fc.constantFrom(...oddities), fc.jsonValue({ maxDepth: 2 })),
  )
  .map(([record, steps, oddity]) => spoil(record, steps, oddity));

it('every layout uses or rejects any record, and what it uses holds by the rules of edits', async () => {
  const file = join(folder, 'hostile.json');
  await fc.assert(
    fc.asyncProperty(fc.array(hostile, { minLength: 20, maxLength: 20 }), async (values) => {
      writeFileSync(file, JSON.stringify(values));
      for (const { name, formats } of layouts) {
        if (!formats.includes('value')) continue;
        let read = 0;
        for await (const record of readDataset(await openDataset(file, name))) {
          expect(record.record).toBe(read++);
          if (!record.used) expect(datasetRules).toHaveProperty(record.rule);
          else if ('case' in record) {
            for (const edit of record.case.edits) expect(editSchema.safeParse(edit).success).toBe(true);
          }
        }
        expect(read).toBe(values.length);
      }
      await detectLayout(file).catch((error) => expect(error).toMatchObject({ code: 'unknown_layout' }));
    }),
    { seed, numRuns: 60 },
  );
});

it('any text is a file that can be read, or one that cannot', async () => {
  const file = join(folder, 'hostile.txt');
  const scraps = fc.constantFrom(
    ...['[', ']', '{', '}', '"', ',', ':', '\n', '\r\n', '\ufeff', '\\', 'a', '1', '-', 'é'],
  );
  const row = fc.array(scraps, { maxLength: 40 }).map((parts) => parts.join(''));
  await fc.assert(
    fc.asyncProperty(fc.oneof(row, fc.string({ unit: 'grapheme' })), async (text) => {
      writeFileSync(file, text);
      for (const layout of ['auto', 'jsonl', 'squad_v2', 'mmlu', 'csv']) {
        try {
          for await (const record of readDataset(await openDataset(file, layout)))
            expect(record.record).toBeGreaterThan(-1);
        } catch (error) {
          expect(['unreadable_dataset', 'unknown_layout']).toContain((error as { code?: string }).code);
        }
      }
    }),
    { seed, numRuns: 100 },
  );
});
