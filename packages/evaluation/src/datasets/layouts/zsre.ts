// ZsRE as MEND splits it, and in several languages: a question, its counterfactual answer, and an unrelated question from Natural Questions.
import { z } from 'zod';
import { finishEdit, probeGroups, probeOf, spelledInPrompt } from '../draft.ts';
import {
  answersOf,
  asObject,
  type DatasetContent,
  has,
  keepEach,
  keepOne,
  type Layout,
  noteUnread,
  objectOf,
  parseRecord,
  promptOf,
  requireAnswers,
  text,
} from '../layout.ts';
import type { Notes } from '../rules.ts';
import type { RawRecord } from '../source/records.ts';

const schema = z.object({
  subject: text,
  src: text,
  alt: text,
  answers: z.unknown().optional(),
  rephrase: z.unknown().optional(),
  loc: z.unknown().optional(),
  loc_ans: z.unknown().optional(),
  portability: z.record(z.string(), z.unknown()).nullish(),
  /** Of MzsRE. */
  language: z.string().optional(),
});

/** What MEND's files hold beside: the answer of a model, and the change in words. */
const beside = ['pred', 'cond'];

function readRecord(raw: RawRecord, custom_id: string, notes: Notes): DatasetContent {
  const record = parseRecord(raw, schema);
  const translated = record.language !== undefined;
  const [known] = translated ? answersOf(record.answers) : requireAnswers(record.answers, 'answers');
  // Subjects were translated by themselves, and many questions name them otherwise.
  const named = !translated || spelledInPrompt(record.src.trim(), record.subject.trim()) !== undefined;
  if (!named) notes.dropped.push({ field: 'subject', rule: 'subject_not_in_prompt' });
  // EasyEdit's file of portability questions.
  const { 'New Question': question, 'New Answer': reached } = record.portability ?? {};
  noteUnread(raw, [...Object.keys(schema.shape), ...beside], notes);
  const edit = finishEdit(
    {
      custom_id,
      prompt: record.src,
      ...(named && { subject: record.subject }),
      target_new: record.alt,
      ...(known !== undefined && { target_true: known }),
      rephrases: [...keepEach(record.rephrase, 'rephrase', promptOf, notes)],
      locality: probeGroups({
        other_tasks: keepOne(
          record.loc,
          'loc',
          (value, path) => probeOf(promptOf(value, path), answersOf(record.loc_ans), path),
          notes,
        ),
      }),
      portability: probeGroups({
        one_hop: keepOne(
          question,
          'portability.New Question',
          (value, path) => probeOf(promptOf(value, path), requireAnswers(reached, 'portability.New Answer'), path),
          notes,
        ),
      }),
      ...(record.language !== undefined && { metadata: { language: record.language } }),
    },
    {
      prompt: 'src',
      target_new: 'alt',
      target_true: 'answers.0',
      rephrases: 'rephrase',
      locality: 'loc',
    },
    notes,
  );
  return { case: { id: edit.custom_id, edits: [edit] } };
}

export const zsreMend: Layout = {
  name: 'zsre_mend',
  title: 'ZsRE in MEND’s layout; the new answer is `alt`',
  source: 'Levy et al. 2017, Zero-Shot Relation Extraction; splits of Mitchell et al. 2022 (MEND)',
  kind: 'edits',
  alsoCalled: ['zsre', 'mend'],
  formats: ['value'],
  fits: (raw) => has(objectOf(raw), 'src', 'subject', 'answers') || has(objectOf(raw), 'src', 'subject', 'alt'),
  read: (raw, place, notes) => readRecord(raw, `${place.layout}-${place.record}`, notes),
};

const languageCode = /^[a-z]{2,3}(-[a-z]+)?$/i;

/** The languages of a record of MzsRE, where it is one. */
function languagesOf(record: Readonly<Record<string, unknown>> | undefined): readonly string[] {
  const names = Object.keys(record ?? {});
  const told = names.every((name) => languageCode.test(name) && has(asObject(record![name]), 'src'));
  return told ? names : [];
}

export const mzsre: Layout = {
  name: 'mzsre',
  title: 'MzsRE: ZsRE in several languages, an edit in each',
  source: 'Wang et al. 2024, Retrieval-augmented Multilingual Knowledge Editing',
  kind: 'edits',
  alsoCalled: ['bizsre', 'bi_zsre'],
  formats: ['value'],
  fits: (raw) => languagesOf(objectOf(raw)).length > 0,
  parts: (value) => {
    const record = asObject(value);
    const languages = languagesOf(record);
    return languages.length === 0
      ? [value]
      : languages.map((language) => ({ ...asObject(record![language]), language }));
  },
  read: (raw, place, notes) => {
    const language = objectOf(raw)?.language;
    return readRecord(raw, `${place.layout}-${place.record}-${String(language)}`, notes);
  },
};
