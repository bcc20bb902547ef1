// ZsRE as MEND splits it: a question, its counterfactual answer, and an unrelated question from Natural Questions.
import { z } from 'zod';
import { finishEdit, probeGroups, probeOf } from '../draft.ts';
import {
  answersOf,
  has,
  keepOne,
  type Layout,
  objectOf,
  parseRecord,
  promptOf,
  requireAnswers,
  text,
} from '../layout.ts';

const schema = z.object({
  subject: text,
  src: text,
  alt: text,
  answers: z.unknown().optional(),
  rephrase: z.unknown().optional(),
  loc: z.unknown().optional(),
  loc_ans: z.unknown().optional(),
  portability: z.record(z.string(), z.unknown()).nullish(),
});

export const zsreMend: Layout = {
  name: 'zsre_mend',
  title: 'ZsRE in MEND’s layout; the new answer is `alt`',
  source: 'Levy et al. 2017, Zero-Shot Relation Extraction; splits of Mitchell et al. 2022 (MEND)',
  kind: 'edits',
  alsoCalled: ['zsre', 'mend'],
  formats: ['value'],
  fits: (raw) => has(objectOf(raw), 'src', 'subject', 'answers') || has(objectOf(raw), 'src', 'subject', 'alt'),
  read: (raw, place, notes) => {
    const record = parseRecord(raw, schema);
    const [known] = requireAnswers(record.answers, 'answers');
    // EasyEdit's file of portability questions.
    const { 'New Question': question, 'New Answer': reached } = record.portability ?? {};
    const edit = finishEdit(
      {
        custom_id: `${place.layout}-${place.record}`,
        prompt: record.src,
        subject: record.subject,
        target_new: record.alt,
        target_true: known,
        rephrases: [...keepOne(record.rephrase, 'rephrase', promptOf, notes)],
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
  },
};
