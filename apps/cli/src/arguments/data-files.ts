// What an evaluation is about: the cases of a data set file, and what else of other files is asked along the way.
import { basename } from 'node:path';
import { ErrataError } from '@errata/contracts';
import type { AbilitySuite, AnsweredEdit, DatasetCase, DatasetReport, QuestionItem } from '@errata/evaluation';

export interface EvalData {
  /** What people call it. */
  readonly name: string;
  readonly cases: readonly DatasetCase[];
  /** Records that cannot be used. */
  readonly rejected: number;
}

export interface DataFile {
  readonly file: string;
  /** Recognised where left out. */
  readonly layout?: string | undefined;
  /** Only the first records that can be used. */
  readonly limit?: number | undefined;
  /** Reference texts of its records. */
  readonly references?: string | undefined;
}

const chosen = ({ layout, limit }: DataFile) => ({
  ...(layout !== undefined && { layout }),
  ...(limit !== undefined && { limit }),
});

/**
 * Reads the cases of a file of any layout. Records that cannot be used are named on standard error.
 * @throws ErrataError `invalid_edits` where it holds no edits; as `loadDataset`
 */
export async function readEvalData(data: DataFile): Promise<EvalData> {
  const { loadDataset, withTextPrompts } = await import('@errata/evaluation');
  const { report, cases } = await loadDataset(data.file, chosen(data));
  if (cases.length === 0)
    throw new ErrataError('invalid_edits', `${data.file} holds no edits that can be used`, {
      details: { file: data.file, layout: report.layout, rejected: report.rejected.slice(0, 20) },
    });
  warnOf(data.file, report);
  await warnOfAnswered(data.file, cases);
  const prompted = (await referenced(data, cases)).map(withTextPrompts);
  return { name: basename(data.file), cases: prompted, rejected: report.rejected.length };
}

/** @throws ErrataError `invalid_request` for references of no record, where all records were read; as `readReferences` */
async function referenced(
  { file, references, limit }: DataFile,
  cases: readonly DatasetCase[],
): Promise<readonly DatasetCase[]> {
  if (references === undefined) return cases;
  const { readReferences, withReferences } = await import('@errata/evaluation');
  const found = await readReferences(references);
  const ids = new Set(cases.map(({ id }) => id));
  const strangers = [...found.keys()].filter((id) => !ids.has(id));
  if (strangers.length === found.size || (strangers.length > 0 && limit === undefined))
    throw new ErrataError('invalid_request', `${references} has texts for records that ${file} does not have`, {
      errors: strangers.map((id) => ({
        code: 'invalid_request',
        field: 'id',
        message: `there is no record ${JSON.stringify(id)}`,
      })),
    });
  const without = cases.length - (found.size - strangers.length);
  if (without > 0) console.error(`${references} has no texts for ${without} of ${cases.length} records`);
  return withReferences(cases, found);
}

/** Published files contradict and repeat themselves. What is measured are the files as they are, so it is said and left. */
async function warnOfAnswered(file: string, cases: readonly DatasetCase[]): Promise<void> {
  const { distinctEdits } = await import('@errata/evaluation');
  const distinct = distinctEdits();
  for (const [at, { edits }] of cases.entries()) distinct.of(edits, at);
  const named = (rule: AnsweredEdit['rule']) => {
    const ids = distinct.answered.filter((each) => each.rule === rule).map(({ custom_id }) => custom_id);
    return ids.length > namedRecords ? `${ids.slice(0, namedRecords).join(', ')} ...` : ids.join(', ');
  };
  const count = (rule: AnsweredEdit['rule']) => distinct.answered.filter((each) => each.rule === rule).length;
  const [against, again] = [count('contradictory_edits'), count('repeated_edit')];
  if (against > 0)
    console.error(
      `${against} edits of ${file} contradict an earlier one, so that one model cannot hold all: ${named('contradictory_edits')}`,
    );
  if (again > 0) console.error(`${again} edits of ${file} repeat an earlier one: ${named('repeated_edit')}`);
}

/** What a conversion leaves out, in a line for each rule. */
export function describeLeftOut(leftOut: readonly AnsweredEdit[]): readonly string[] {
  const count = (rule: AnsweredEdit['rule']) => leftOut.filter((each) => each.rule === rule).length;
  const [contradicting, repeated] = [count('contradictory_edits'), count('repeated_edit')];
  return [
    ...(contradicting > 0 ? [`left out ${contradicting} that contradict an earlier edit of the file`] : []),
    ...(repeated > 0 ? [`left out ${repeated} that an earlier edit of the file already makes`] : []),
  ];
}

const namedRecords = 5;

/** Names records that cannot be used on standard error. */
export function warnOf(file: string, { records, rejected }: DatasetReport): void {
  if (rejected.length === 0) return;
  const named = rejected
    .slice(0, namedRecords)
    .map(({ record, field, rule }) => `record ${record} (${field}: ${rule})`);
  const more = rejected.length > named.length ? ` and ${rejected.length - named.length} more` : '';
  console.error(`${rejected.length} of ${records} records of ${file} cannot be used: ${named.join(', ')}${more}`);
}

/**
 * Reads questions that no edit is about: those of a suite, or those of a data set's cases as they are after their edits.
 * @throws ErrataError `invalid_request` for a file of other items; as `loadDataset`
 */
export async function readQuestions(data: DataFile | undefined): Promise<readonly QuestionItem[]> {
  if (data === undefined) return [];
  const { itemsOfCase, loadDataset, questionsOfItem } = await import('@errata/evaluation');
  const { items, cases, report } = await loadDataset(data.file, chosen(data));
  const questions = [...items, ...cases.flatMap((each) => itemsOfCase(each))].flatMap(questionsOfItem);
  if (questions.length === 0)
    throw new ErrataError('invalid_request', `${data.file} holds no plain questions: its layout is ${report.layout}`);
  warnOf(data.file, report);
  return questions;
}

/** A task of general ability, and where its items are. */
export interface AbilityFile extends DataFile {
  readonly task: string;
}

/** Collects repeated `--ability task=file`. */
export function collectAbility(text: string, files: readonly AbilityFile[] = []): readonly AbilityFile[] {
  const split = text.indexOf('=');
  if (split < 1) throw new ErrataError('invalid_request', `--ability takes task=file, not ${JSON.stringify(text)}`);
  return [...files, { task: text.slice(0, split), file: text.slice(split + 1) }];
}

/** @throws ErrataError `invalid_request` for a task that does not exist or that cannot ask the items of its file */
export async function readAbility(files: readonly AbilityFile[]): Promise<readonly AbilitySuite[]> {
  const { abilitySuite, abilityTasks, loadDataset } = await import('@errata/evaluation');
  const isTask = (task: string): task is keyof typeof abilityTasks => Object.hasOwn(abilityTasks, task);
  const suites: AbilitySuite[] = [];
  for (const data of files) {
    if (!isTask(data.task))
      throw new ErrataError(
        'invalid_request',
        `there is no task ${JSON.stringify(data.task)}; there are ${Object.keys(abilityTasks).join(', ')}`,
      );
    const { items } = await loadDataset(data.file, chosen(data));
    suites.push(abilitySuite(data.task, items));
  }
  return suites;
}
