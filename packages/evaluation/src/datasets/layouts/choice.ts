// Multiple choice: CommonsenseQA and MMLU.
import { basename } from 'node:path';
import { z } from 'zod';
import type { MultipleChoiceItem } from '../items.ts';
import { asObject, has, id, type Layout, objectOf, parseRecord, type RecordPlace, text } from '../layout.ts';
import { Unusable } from '../rules.ts';
import type { RawRecord } from '../source/records.ts';

const optionText = z.union([text, z.number()]);
const labelled = z.array(z.object({ label: text, text: optionText })).min(2);
/** As columns: `{ label: ['A', ...], text: [...] }`. */
const columns = z.object({ label: z.array(text).min(2), text: z.array(optionText).min(2) });

const csqaSchema = z.object({
  id: id.optional(),
  answerKey: text,
  question: z.union([text, z.object({ stem: text, choices: labelled, question_concept: text.optional() })]),
  choices: columns.optional(),
  question_concept: text.optional(),
});

export const csqa: Layout = {
  name: 'csqa',
  title: 'CommonsenseQA',
  source: 'Talmor et al. 2019, CommonsenseQA',
  kind: 'suite',
  alsoCalled: ['commonsenseqa', 'commonsense_qa'],
  formats: ['value'],
  fits: (raw) => {
    const record = objectOf(raw);
    return has(record, 'question', 'answerKey') || has(asObject(record?.question), 'stem');
  },
  read: (raw, place) => {
    const record = parseRecord(raw, csqaSchema);
    const nested = typeof record.question === 'string' ? undefined : record.question;
    const options = nested?.choices ?? zip(record.choices);
    const answer = options.findIndex(({ label }) => label === record.answerKey);
    if (answer === -1) throw new Unusable('answerKey', 'unknown_value');
    const subject = nested?.question_concept ?? record.question_concept;
    return {
      item: {
        kind: 'multiple_choice',
        id: String(record.id ?? `${place.layout}-${place.record}`),
        question: (nested?.stem ?? (record.question as string)).trim(),
        options: options.map((option) => String(option.text).trim()),
        answer,
        ...(subject !== undefined && { subject }),
      },
    };
  },
};

function zip(choices: z.infer<typeof columns> | undefined): z.infer<typeof labelled> {
  if (choices === undefined) throw new Unusable('choices', 'missing');
  if (choices.label.length !== choices.text.length) throw new Unusable('choices', 'wrong_columns');
  return choices.label.map((label, index) => ({ label, text: choices.text[index]! }));
}

const mmluSchema = z.object({
  question: text,
  choices: z.array(optionText).min(2),
  answer: z.union([z.number(), text]),
  subject: z.string().nullish(),
});

/** Question, options, answer. */
const leastCells = 4;
const isAnswer = (cell: string | undefined): boolean => /^([A-Z]|\d)$/.test(cell?.trim() ?? '');

export const mmlu: Layout = {
  name: 'mmlu',
  title: 'MMLU: one file a subject',
  source: 'Hendrycks et al. 2021, Measuring Massive Multitask Language Understanding',
  kind: 'suite',
  task: 'mmlu',
  formats: ['value', 'row'],
  isHeader: ([question, ...others]) =>
    question?.trim().toLowerCase() === 'question' && others.at(-1)?.trim().toLowerCase() === 'answer',
  fits: (raw) => {
    if (raw.kind === 'row') {
      if (raw.columns) return mmlu.isHeader!(raw.columns);
      return raw.cells.length >= leastCells && isAnswer(raw.cells.at(-1));
    }
    return has(objectOf(raw), 'question', 'choices', 'answer');
  },
  read: (raw, place) => ({ item: raw.kind === 'row' ? readRow(raw, place) : readQuestion(raw, place) }),
};

function readQuestion(raw: RawRecord, place: RecordPlace): MultipleChoiceItem {
  const { question, choices, answer, subject } = parseRecord(raw, mmluSchema);
  return itemOf(question, choices.map(String), String(answer), subject?.trim() || subjectOf(place), place);
}

function readRow({ cells, columns }: RawRecord & { kind: 'row' }, place: RecordPlace): MultipleChoiceItem {
  if (cells.length < leastCells || (columns && cells.length !== columns.length))
    throw new Unusable('', 'wrong_columns');
  const [question, ...options] = cells as [string, ...string[]];
  const answer = options.pop()!;
  const blank = cells.findIndex((cell) => cell.trim() === '');
  if (blank !== -1) throw new Unusable(columns?.[blank] ?? nameOf(blank, cells.length), 'empty');
  return itemOf(question, options, answer, subjectOf(place), place);
}

const nameOf = (cell: number, cells: number): string => {
  if (cell === 0) return 'question';
  return cell === cells - 1 ? 'answer' : `choice${cell - 1}`;
};

/** `college_physics_test.csv` holds college physics. */
const subjectOf = ({ file }: RecordPlace): string =>
  basename(file)
    .replace(/\.[^.]+$/, '')
    .replace(/_(test|dev|val|train|auxiliary_train)$/, '')
    .replaceAll('_', ' ');

function itemOf(
  question: string,
  options: readonly string[],
  key: string,
  subject: string,
  place: RecordPlace,
): MultipleChoiceItem {
  const named = key.trim().toUpperCase();
  const answer = /^\d+$/.test(named)
    ? Number(named)
    : named.length === 1
      ? named.charCodeAt(0) - 'A'.charCodeAt(0)
      : -1;
  if (answer < 0 || answer >= options.length) throw new Unusable('answer', 'unknown_value');
  return {
    kind: 'multiple_choice',
    id: `${subject.replaceAll(' ', '_')}-${place.record}`,
    question: question.trim(),
    options: options.map((option) => option.trim()),
    answer,
    subject,
  };
}
