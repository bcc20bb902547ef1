// Keeps the records of a data set whose true answers a model gives as it is: npm run known -- --model DIR --edits FILE --out FILE
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ErrataError, editSchema } from '@errata/contracts';
import {
  type DatasetCase,
  openDataset,
  ownRecords,
  readFindings,
  runProtocol,
  surveyDataset,
} from '@errata/evaluation';
import { loadCheckpoint, openModel } from '@errata/models';

/** How a true answer is known: `exact` by free greedy generation, `all` by each of its tokens being the likeliest. */
const ways = ['exact', 'all'] as const;

export interface KnownOptions {
  /** A directory in Hugging Face layout. */
  readonly model: string;
  /** A data set of edits in any layout; records that lack a true answer are passed over. */
  readonly edits: string;
  /** Where the records that are kept are written, as they stand in the file; beside it, as FILE.run, what was asked. */
  readonly out: string;
  readonly by: (typeof ways)[number];
  /** Records that are asked about: the first ones. */
  readonly limit: number;
  /** Known records that are passed over, and those that are kept at most behind them. */
  readonly skip: number;
  readonly keep: number;
}

export interface KnownCount {
  readonly asked: number;
  /** By each way of knowing, whatever is kept. */
  readonly exact: number;
  readonly all: number;
  readonly kept: number;
}

/**
 * Asks a model for the true answers of a data set and keeps the records of those that it gives. A run that was broken off goes on.
 * @throws ErrataError as reading a data set, a model and a run do; `tokenizer_missing`
 */
export async function keepKnownRecords(options: KnownOptions): Promise<KnownCount> {
  const { cases, recordOf } = await truthsOf(options);
  const run = `${options.out}.run`;
  await askModel(options.model, cases, run);
  const { rows } = await readFindings(run);
  const known = (way: (typeof ways)[number]): ReadonlySet<string> =>
    new Set(rows.flatMap((row) => (row.metric === `reliability.${way}` && row.value === 1 ? [row.case_id] : [])));
  const [exact, all] = [known('exact'), known('all')];
  const { by, skip, keep } = options;
  const kept = cases.filter(({ id }) => (by === 'exact' ? exact : all).has(id)).slice(skip, skip + keep);
  const records = await recordsOf(options.edits);
  const written = kept.map(({ id }) => records[recordOf.get(id)!]);
  await writeFile(options.out, `${JSON.stringify(written, null, 1)}\n`);
  return { asked: cases.length, exact: exact.size, all: all.size, kept: kept.length };
}

/** The records as cases whose new answer is the true one, so that reliability says whether it is known. */
async function truthsOf({ edits, limit }: KnownOptions) {
  const cases: DatasetCase[] = [];
  const recordOf = new Map<string, number>();
  await surveyDataset(await openDataset(edits, 'auto'), {
    limit,
    onContent: (content, record) => {
      if (!('case' in content) || content.case.edits.some((edit) => edit.target_true === undefined)) return false;
      const { id } = content.case;
      recordOf.set(id, record);
      const truths = content.case.edits.map(({ custom_id, prompt, target_true, join }) =>
        editSchema.parse({ custom_id, prompt, target_new: target_true, ...(join !== undefined && { join }) }),
      );
      cases.push({ id, edits: truths });
      return true;
    },
  });
  return { cases, recordOf };
}

async function askModel(directory: string, cases: readonly DatasetCase[], run: string): Promise<void> {
  const checkpoint = await loadCheckpoint(directory);
  const model = openModel(checkpoint);
  try {
    const { tokenizer } = model;
    if (tokenizer === undefined) throw new ErrataError('tokenizer_missing', `${directory} has no tokenizer`);
    const asIs = { model, tokenizer, editor: null, cases, protocol: { kind: 'single' }, seed: 0 } as const;
    await runProtocol(run, asIs, { resume: true });
  } finally {
    await model.release();
    checkpoint.close();
  }
}

/** The records of a file as they stand in it. */
async function recordsOf(file: string): Promise<readonly unknown[]> {
  const records = await ownRecords(file);
  if ('values' in records) return records.values;
  const lines = records.jsonl.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => JSON.parse(line) as unknown);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      model: { type: 'string' },
      edits: { type: 'string' },
      out: { type: 'string' },
      by: { type: 'string', default: 'exact' },
      limit: { type: 'string', default: '1000' },
      skip: { type: 'string', default: '0' },
      keep: { type: 'string', default: '1000' },
    },
  });
  const { model, edits, out } = values;
  const by = ways.find((way) => way === values.by);
  const [limit, skip, keep] = [Number(values.limit), Number(values.skip), Number(values.keep)];
  if (
    model === undefined ||
    edits === undefined ||
    out === undefined ||
    by === undefined ||
    !(limit >= 1 && skip >= 0 && keep >= 1)
  ) {
    console.error(
      `usage: npm run known -- --model DIR --edits FILE --out FILE [--by ${ways.join('|')}] [--limit N] [--skip N] [--keep N]`,
    );
    process.exit(2);
  }
  console.log(JSON.stringify(await keepKnownRecords({ model, edits, out, by, limit, skip, keep })));
}
