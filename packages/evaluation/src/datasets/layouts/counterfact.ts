// CounterFact: as its authors published it, and flattened to one rephrase and one locality prompt as EasyEdit reads it.
import { z } from 'zod';
import { finishEdit, probeGroups, probeOf } from '../draft.ts';
import {
  answersOf,
  besideOf,
  has,
  id,
  keepEach,
  keepUsable,
  type Layout,
  noteUnread,
  objectOf,
  parseRecord,
  promptOf,
  text,
} from '../layout.ts';

const source = 'Meng et al. 2022, Locating and Editing Factual Associations in GPT';

export const answer = z.object({ str: text });

/** One rewrite as ROME writes it; MQuAKE has lists of them. */
export const rewriteSchema = z.object({
  prompt: text,
  subject: text,
  relation_id: text.optional(),
  target_new: answer,
  target_true: answer.optional(),
});

const texts = z.array(z.unknown()).nullish();

const fullSchema = z.object({
  case_id: id.optional(),
  requested_rewrite: rewriteSchema,
  paraphrase_prompts: texts,
  neighborhood_prompts: texts,
  attribute_prompts: texts,
  generation_prompts: texts,
});

export const counterfact: Layout = {
  name: 'counterfact',
  title: 'CounterFact in its original layout',
  source,
  kind: 'edits',
  alsoCalled: ['counterfact_full', 'counterfact_original'],
  formats: ['value'],
  fits: (raw) => {
    const record = objectOf(raw);
    return has(record, 'requested_rewrite') && !Array.isArray(record!.requested_rewrite);
  },
  read: (raw, place, notes) => {
    const record = parseRecord(raw, fullSchema);
    const { prompt, subject, relation_id, target_new, target_true } = record.requested_rewrite;
    const prompts = (field: 'paraphrase_prompts' | 'attribute_prompts' | 'generation_prompts') =>
      keepUsable(record[field], field, promptOf, notes);
    const known = target_true === undefined ? [] : [target_true.str.trim()];
    const edit = finishEdit(
      {
        custom_id: `${place.layout}-${record.case_id ?? place.record}`,
        prompt,
        subject,
        target_new: target_new.str,
        ...(target_true && { target_true: target_true.str }),
        ...(relation_id !== undefined && { relation: relation_id }),
        rephrases: [...prompts('paraphrase_prompts')],
        locality: probeGroups({
          neighbourhood: keepUsable(
            record.neighborhood_prompts,
            'neighborhood_prompts',
            (value, path) => probeOf(promptOf(value, path), known, path),
            notes,
          ),
        }),
      },
      {
        custom_id: 'case_id',
        prompt: 'requested_rewrite.prompt',
        subject: 'requested_rewrite.subject',
        target_new: 'requested_rewrite.target_new.str',
        target_true: 'requested_rewrite.target_true.str',
        relation: 'requested_rewrite.relation_id',
        rephrases: 'paraphrase_prompts',
        locality: 'neighborhood_prompts',
      },
      notes,
    );
    return {
      case: {
        id: edit.custom_id,
        edits: [edit],
        generation: { prompts: prompts('generation_prompts'), attribute: prompts('attribute_prompts') },
      },
    };
  },
};

const flatSchema = z.object({
  case_id: id.nullish(),
  prompt: text,
  subject: text.nullish(),
  target_new: text,
  ground_truth: z.string().nullish(),
  rephrase_prompt: z.unknown().optional(),
  locality_prompt: z.unknown().optional(),
  locality_ground_truth: z.unknown().optional(),
  split: text.nullish(),
});

export const counterfactFlat: Layout = {
  name: 'counterfact_flat',
  title: 'CounterFact, flat: one rephrase and one locality prompt each',
  source: `${source}; flattened by EasyEdit`,
  kind: 'edits',
  alsoCalled: ['counterfact_edit', 'cf_edit', 'temporal'],
  formats: ['value'],
  fits: (raw) => {
    const record = objectOf(raw);
    return has(record, 'prompt', 'locality_prompt') && !has(record, 'src');
  },
  read: (raw, place, notes) => {
    const record = parseRecord(raw, flatSchema);
    noteUnread(raw, Object.keys(flatSchema.shape), notes);
    const neighbourhood = keepEach(
      record.locality_prompt,
      'locality_prompt',
      (value, path) => probeOf(promptOf(value, path), answersOf(besideOf(record.locality_ground_truth, path)), path),
      notes,
    );
    const edit = finishEdit(
      {
        custom_id: `${place.layout}-${record.case_id ?? place.record}`,
        prompt: record.prompt,
        ...(record.subject != null && { subject: record.subject }),
        target_new: record.target_new,
        ...(record.ground_truth?.trim() && { target_true: record.ground_truth }),
        rephrases: [...keepEach(record.rephrase_prompt, 'rephrase_prompt', promptOf, notes)],
        locality: probeGroups({ neighbourhood }),
        ...(record.split != null && { metadata: { split: record.split } }),
      },
      {
        custom_id: 'case_id',
        target_true: 'ground_truth',
        rephrases: 'rephrase_prompt',
        locality: 'locality_prompt',
        metadata: 'split',
      },
      notes,
    );
    return { case: { id: edit.custom_id, edits: [edit] } };
  },
};
