// WikiBigEdit: changes of Wikidata as questions, each with another wording, a persona's wording, a second hop and a neighbour.
import { z } from 'zod';
import { finishEdit, probeGroups, probeOf } from '../draft.ts';
import {
  answersOf,
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

const schema = z.object({
  tag: z.string().nullish(),
  subject: text,
  update: text,
  ans: text,
  ground_truth: z.unknown().optional(),
  rephrase: z.unknown().optional(),
  personas: z.unknown().optional(),
  mhop: z.unknown().optional(),
  mhop_ans: z.unknown().optional(),
  loc: z.unknown().optional(),
  loc_ans: z.unknown().optional(),
});

export const wikiBigEdit: Layout = {
  name: 'wikibigedit',
  title: 'WikiBigEdit: half a million changes of Wikidata as questions',
  source: 'Thede et al. 2025, WikiBigEdit: Understanding the Limits of Lifelong Knowledge Editing in LLMs',
  kind: 'edits',
  alsoCalled: ['wiki_big_edit'],
  formats: ['value'],
  fits: (raw) => has(objectOf(raw), 'subject', 'update', 'ans'),
  read: (raw, place, notes) => {
    const record = parseRecord(raw, schema);
    const [known] = answersOf(record.ground_truth);
    noteUnread(raw, [...Object.keys(schema.shape), 'relation', 'object'], notes);
    const edit = finishEdit(
      {
        custom_id: `${place.layout}-${place.record}`,
        prompt: record.update,
        subject: record.subject,
        target_new: record.ans,
        ...(known !== undefined && { target_true: known }),
        rephrases: (['rephrase', 'personas'] as const).flatMap((field) => [
          ...keepEach(record[field], field, promptOf, notes),
        ]),
        locality: probeGroups({
          neighbourhood: keepOne(
            record.loc,
            'loc',
            (value, path) => probeOf(promptOf(value, path), answersOf(record.loc_ans), path),
            notes,
          ),
        }),
        portability: probeGroups({
          one_hop: keepOne(
            record.mhop,
            'mhop',
            (value, path) => probeOf(promptOf(value, path), requireAnswers(record.mhop_ans, 'mhop_ans'), path),
            notes,
          ),
        }),
        ...(record.tag?.trim() && { metadata: { tag: record.tag.trim().slice(0, 512) } }),
      },
      { prompt: 'update', target_new: 'ans', target_true: 'ground_truth', locality: 'loc', portability: 'mhop' },
      notes,
    );
    return { case: { id: edit.custom_id, edits: [edit] } };
  },
};
