// CKnowEdit: corrections of what models say in and about Chinese; its questions name no subject.
import { z } from 'zod';
import { finishEdit, probeGroups, probeOf } from '../draft.ts';
import {
  answersOf,
  has,
  keepEach,
  keepUsable,
  type Layout,
  noteUnread,
  objectOf,
  parsePart,
  parseRecord,
  promptOf,
  requireAnswers,
  text,
} from '../layout.ts';

const schema = z.object({
  prompt: text,
  target_new: text,
  target_old: z.unknown().optional(),
  rephrase: z.unknown().optional(),
  locality: z.array(z.unknown()).nullish(),
  portability: z.array(z.unknown()).nullish(),
});

const probeSchema = z.object({ prompt: text, answer: z.unknown().optional() });

export const cKnowEdit: Layout = {
  name: 'cknowedit',
  title: 'CKnowEdit: corrections in and about Chinese',
  source: 'Fang et al. 2024, CKnowEdit: A New Chinese Knowledge Editing Dataset',
  kind: 'edits',
  formats: ['value'],
  fits: (raw) => has(objectOf(raw), 'prompt', 'target_new', 'target_old'),
  read: (raw, place, notes) => {
    const record = parseRecord(raw, schema);
    noteUnread(raw, Object.keys(schema.shape), notes);
    const [known] = answersOf(record.target_old);
    const edit = finishEdit(
      {
        custom_id: `${place.layout}-${place.record}`,
        prompt: record.prompt,
        target_new: record.target_new,
        ...(known !== undefined && { target_true: known }),
        rephrases: [...keepEach(record.rephrase, 'rephrase', promptOf, notes)],
        locality: probeGroups({
          neighbourhood: keepUsable(
            record.locality,
            'locality',
            (value, path) => {
              const { prompt, answer } = parsePart(value, probeSchema, path);
              return probeOf(prompt, answersOf(answer), path);
            },
            notes,
          ),
        }),
        portability: probeGroups({
          one_hop: keepUsable(
            record.portability,
            'portability',
            (value, path) => {
              const { prompt, answer } = parsePart(value, probeSchema, path);
              return probeOf(prompt, requireAnswers(answer, `${path}.answer`), path);
            },
            notes,
          ),
        }),
      },
      { target_true: 'target_old', rephrases: 'rephrase' },
      notes,
    );
    return { case: { id: edit.custom_id, edits: [edit] } };
  },
};
