// errata data: checks data set files and turns them into edits or suites. Needs no service.
import { existsSync } from 'node:fs';
import { type AbilityTaskId, ErrataError, tasksOfItems } from '@errata/contracts';
import type { AnsweredEdit, DatasetContent, DatasetReport, RecordNote } from '@errata/evaluation';
import { type Command, Option } from 'commander';
import { describeLeftOut } from '../arguments/data-files.ts';
import { atLeastOne, wholeNumber } from '../arguments/numbers.ts';
import { exitCodes } from '../output/exit-codes.ts';
import { printJson, progressLine, table } from '../output/output.ts';
import { writeWhole } from '../output/write-whole.ts';

interface CheckOptions {
  layout: string;
  json?: true;
}

interface ConvertOptions extends CheckOptions {
  out: string;
  as?: 'edits' | 'suite';
  task?: AbilityTaskId;
  writers: number;
  limit?: number;
}

interface Conversion extends DatasetReport {
  readonly out: string;
  readonly written: number;
  /** Edits that were not written, since an earlier one answers their question. */
  readonly left_out: readonly AnsweredEdit[];
}

export function register(program: Command): void {
  const data = program.command('data').description('check data set files, and turn them into edits or suites');
  data
    .command('check')
    .description('count what can be used of a file, and name every record that cannot')
    .argument('<file>', 'a data set: JSON, JSON lines or CSV')
    .option('-l, --layout <name>', 'its layout (errata data layouts); `auto` recognises it', 'auto')
    .option('--json', 'print JSON')
    .action(check);
  data
    .command('convert')
    .description('write a data set as edits, or as the items of a suite, one JSON object a line')
    .argument('<file>', 'a data set: JSON, JSON lines or CSV')
    .requiredOption('-o, --out <file>', 'where to write; must not exist')
    .option('-l, --layout <name>', 'its layout (errata data layouts); `auto` recognises it', 'auto')
    .addOption(
      new Option('--as <kind>', 'what to write; by default what the data set is for').choices(['edits', 'suite']),
    )
    .addOption(
      new Option(
        '--task <name>',
        'the task by which items of general ability are asked; by default that of the data set',
      ).choices(Object.values(tasksOfItems).flat()),
    )
    .option('--writers <n>', 'records of a suite whose prompts for free text are kept: they are dear', wholeNumber, 20)
    .option('--limit <n>', 'only the first records that can be used', atLeastOne)
    .option('--json', 'print JSON')
    .action(convert);
  data.command('layouts').description('the layouts that can be read').option('--json', 'print JSON').action(list);
}

async function check(file: string, options: CheckOptions): Promise<void> {
  const { detectLayout, openDataset, surveyDataset } = await import('@errata/evaluation');
  const line = progressLine();
  try {
    const opened = await openDataset(file, options.layout);
    let used = 0;
    const report = await surveyDataset(opened, {
      onContent: () => {
        if (++used % 1000 === 0) line.update('reading', `${used} records`);
      },
    });
    line.done();
    if (options.json) printJson(report);
    else printReport(file, opened.layout.title, report);
    if (used > 0) return;
    process.exitCode = exitCodes.failure;
    const likely = await detectLayout(file).catch(() => undefined);
    if (likely && likely.layout !== opened.layout) console.error(`The records look like ${likely.layout.name}`);
  } finally {
    line.done();
  }
}

async function convert(file: string, options: ConvertOptions): Promise<void> {
  const { distinctEdits, openDataset, suiteItemsOf, surveyDataset } = await import('@errata/evaluation');
  const { out, limit, task, writers } = options;
  if (existsSync(out)) {
    throw new ErrataError('output_exists', `${out} exists: choose another file`, { details: { path: out } });
  }
  const opened = await openDataset(file, options.layout);
  const { layout } = opened;
  const kind = options.as ?? layout.kind;
  if (kind === 'edits' && layout.kind === 'suite') {
    throw new ErrataError('invalid_request', `${layout.name} is a suite: it holds questions and no edits`, {
      details: { layout: layout.name },
    });
  }
  const distinct = distinctEdits();
  let texts = 0;
  const linesOf = (content: DatasetContent, record: number): readonly unknown[] => {
    if ('case' in content && kind === 'edits') return distinct.of(content.case.edits, record);
    const items = suiteItemsOf(content, { task: task ?? layout.task, texts: texts < writers });
    texts += items.filter((item) => item.kind === 'text').length;
    return items;
  };
  let written = 0;
  const report = await writeWhole(out, (target) =>
    surveyDataset(opened, {
      ...(limit !== undefined && { limit }),
      onContent: async (content, record) => {
        const lines = linesOf(content, record);
        written += lines.length;
        await target.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
        return lines.length > 0;
      },
    }),
  );
  const conversion: Conversion = { ...report, out, written, left_out: distinct.answered };
  if (options.json) printJson(conversion);
  else printConversion(file, layout.title, conversion, kind);
  if (written === 0) process.exitCode = exitCodes.failure;
}

async function list(options: { json?: true }): Promise<void> {
  const { layouts } = await import('@errata/evaluation');
  if (options.json) printJson(layouts.map(({ name, title, source, kind }) => ({ name, title, source, kind })));
  else
    console.log(
      table(
        ['layout', 'kind', 'what', 'source'],
        layouts.map(({ name, kind, title, source }) => [name, kind, title, source]),
      ),
    );
}

function printReport(file: string, title: string, report: DatasetReport): void {
  const { layout, records, edits, items, rejected, repaired, dropped } = report;
  const usable = edits > 0 ? `${edits} edits` : `${items} items`;
  console.log(`${file}: ${layout} (${title})`);
  console.log(`${records} records, ${usable}, ${rejected.length} rejected`);
  printNotes('rejected', rejected);
  printNotes('repaired', repaired);
  printNotes('left out of records that are used', dropped);
}

/** Most notes of a kind have one cause: they are counted by field and rule, and the first records are named. */
function printNotes(heading: string, notes: readonly RecordNote[]): void {
  if (notes.length === 0) return;
  const groups = new Map<string, RecordNote[]>();
  for (const note of notes) {
    const key = `${note.field.replace(/\.\d+/g, '.*') || '(record)'}\u0000${note.rule}`;
    groups.set(key, [...(groups.get(key) ?? []), note]);
  }
  const rows = [...groups].map(([key, group]) => {
    const [field, rule] = key.split('\u0000') as [string, string];
    const first = group.slice(0, 5).map(({ record }) => record);
    return [rule, field, group.length, `${first.join(', ')}${group.length > first.length ? ' ...' : ''}`];
  });
  console.log(`\n${heading}\n${table(['rule', 'field', 'times', 'records (from 0)'], rows)}`);
}

function printConversion(file: string, title: string, conversion: Conversion, kind: 'edits' | 'suite'): void {
  printReport(file, title, conversion);
  const { out, written, left_out } = conversion;
  console.log(`\nwrote ${written} ${kind === 'edits' ? 'edits' : 'items'} to ${out}`);
  for (const text of describeLeftOut(left_out)) console.log(text);
}
