// known_1000: facts that GPT-2 XL knows, for causal tracing. An edit of it states the fact as it is.
import { z } from 'zod';
import { finishEdit } from '../draft.ts';
import { has, id, type Layout, objectOf, parseRecord, text } from '../layout.ts';

const schema = z.object({
  known_id: id.optional(),
  subject: text,
  attribute: text,
  prompt: text,
  relation_id: text.optional(),
});

export const known1000: Layout = {
  name: 'known_1000',
  title: 'Known facts for causal tracing; the answer is the true `attribute`',
  source: 'Meng et al. 2022, Locating and Editing Factual Associations in GPT',
  kind: 'edits',
  alsoCalled: ['known', 'knowns'],
  formats: ['value'],
  fits: (raw) => has(objectOf(raw), 'subject', 'prompt', 'attribute'),
  read: (raw, place, notes) => {
    const record = parseRecord(raw, schema);
    const edit = finishEdit(
      {
        custom_id: `${place.layout}-${record.known_id ?? place.record}`,
        prompt: record.prompt,
        subject: record.subject,
        target_new: record.attribute,
        ...(record.relation_id !== undefined && { relation: record.relation_id }),
      },
      { custom_id: 'known_id', target_new: 'attribute', relation: 'relation_id' },
      notes,
    );
    return { case: { id: edit.custom_id, edits: [edit] } };
  },
};
