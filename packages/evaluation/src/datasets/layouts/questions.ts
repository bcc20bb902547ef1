// Questions with answers in free text: SQuAD 2.0 about a passage, Natural Questions about nothing but the world.
import { z } from 'zod';
import {
  answersOf,
  asObject,
  has,
  id,
  isSuiteItem,
  type Layout,
  objectOf,
  parseRecord,
  requireAnswers,
  text,
} from '../layout.ts';
import { Unusable } from '../rules.ts';
import { isAboutParts } from './long-answers.ts';

const squadSchema = z.object({
  id: id.optional(),
  title: z.string().nullish(),
  context: text,
  question: text,
  answers: z.unknown().optional(),
  answer: z.unknown().optional(),
  is_impossible: z.boolean().nullish(),
});

/** Answers as the original writes them, `[{ text }]`, as columns, `{ text: [] }`, or plainly. */
function squadAnswers(value: unknown): readonly string[] {
  const columns = asObject(value);
  if (columns) return answersOf(columns.text);
  if (!Array.isArray(value)) return answersOf(value);
  return [...new Set(value.flatMap((answer) => answersOf(asObject(answer)?.text ?? answer)))];
}

/** The questions of one article of the original file, each with its passage. */
function questionsOf(article: unknown): readonly unknown[] {
  const { title, paragraphs } = asObject(article) ?? {};
  if (!Array.isArray(paragraphs)) return [article];
  return paragraphs.flatMap((paragraph) => {
    const { context, qas } = asObject(paragraph) ?? {};
    if (!Array.isArray(qas)) return [paragraph];
    return qas.map((question) => (asObject(question) ? { title, context, ...asObject(question) } : question));
  });
}

export const squad: Layout = {
  name: 'squad_v2',
  title: 'SQuAD 2.0',
  source: 'Rajpurkar et al. 2018, Know What You Don’t Know',
  kind: 'suite',
  alsoCalled: ['squad', 'squad2', 'squad_2_0'],
  formats: ['value'],
  document: { begins: /^\{\s*"(version|data)"\s*:/, path: '$.data.*', records: questionsOf },
  fits: (raw) => has(objectOf(raw), 'context', 'question') && !isSuiteItem(objectOf(raw)),
  read: (raw, place) => {
    const record = parseRecord(raw, squadSchema);
    const field = record.answers === undefined ? 'answer' : 'answers';
    const given = record[field];
    if ((given === undefined || given === null) && record.is_impossible !== true) {
      throw new Unusable('answers', 'missing');
    }
    const answers = squadAnswers(given);
    // The original marks unanswerable questions; where nothing is marked, an empty list says so.
    const impossible = record.is_impossible ?? answers.length === 0;
    if (!impossible && answers.length === 0) throw new Unusable(field, 'empty');
    const title = record.title?.trim();
    return {
      item: {
        kind: 'reading',
        id: String(record.id ?? `${place.layout}-${place.record}`),
        context: record.context.trim(),
        question: record.question.trim(),
        answers: impossible ? [] : answers,
        impossible,
        ...(title && { title }),
      },
    };
  },
};

const openSchema = z.object({ id: id.optional(), question: text, answer: z.unknown().optional() });

export const naturalQuestions: Layout = {
  name: 'nq_open',
  title: 'Natural Questions, open: questions without passages',
  source: 'Kwiatkowski et al. 2019, Natural Questions; Lee et al. 2019 (open)',
  kind: 'suite',
  alsoCalled: ['nq', 'natural_questions'],
  formats: ['value'],
  fits: (raw) => {
    const record = objectOf(raw);
    // With options, or of a kind, it is another question; with wordings of its own, an edit.
    const others = ['choices', 'options', 'context', 'kind'];
    return has(record, 'question', 'answer') && !isAboutParts(record) && !others.some((field) => has(record, field));
  },
  read: (raw, place) => {
    const record = parseRecord(raw, openSchema);
    return {
      item: {
        kind: 'question',
        id: String(record.id ?? `${place.layout}-${place.record}`),
        prompt: record.question.trim(),
        answers: requireAnswers(record.answer, 'answer'),
      },
    };
  },
};
