// Facts that models know, for causal tracing: known_1000, counterfact-tracing, and the relations of LRE. An edit of them states the fact as it is.
import { z } from 'zod';
import { type FieldNames, finishEdit } from '../draft.ts';
import { asObject, type DatasetContent, has, id, type Layout, objectOf, parseRecord, text } from '../layout.ts';
import type { Notes } from '../rules.ts';

interface KnownFact {
  readonly custom_id: string;
  readonly prompt: string;
  readonly subject: string;
  readonly answer: string;
  readonly relation?: string | undefined;
  readonly rephrases?: readonly string[];
}

function stated(
  { answer, relation, rephrases = [], ...fact }: KnownFact,
  names: FieldNames,
  notes: Notes,
): DatasetContent {
  const edit = finishEdit(
    { ...fact, target_new: answer, ...(relation !== undefined && { relation }), rephrases: [...rephrases] },
    names,
    notes,
  );
  return { case: { id: edit.custom_id, edits: [edit] } };
}

const knownSchema = z.object({
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
    const { known_id, prompt, subject, attribute, relation_id } = parseRecord(raw, knownSchema);
    const custom_id = `${place.layout}-${known_id ?? place.record}`;
    const names = { custom_id: 'known_id', target_new: 'attribute', relation: 'relation_id' };
    return stated({ custom_id, prompt, subject, answer: attribute, relation: relation_id }, names, notes);
  },
};

const tracingSchema = z.object({
  prompt: text,
  subject: text,
  target_true: text,
  target_false: z.unknown().optional(),
  relation_id: text.nullish(),
});

export const counterfactTracing: Layout = {
  name: 'counterfact_tracing',
  title: 'CounterFact for causal tracing; the answer is the true one',
  source: 'Nanda 2022, counterfact-tracing, after Meng et al. 2022',
  kind: 'edits',
  formats: ['value'],
  fits: (raw) =>
    has(objectOf(raw), 'subject', 'prompt', 'target_true', 'target_false') && !has(objectOf(raw), 'target_new'),
  read: (raw, place, notes) => {
    const { prompt, subject, target_true, target_false, relation_id } = parseRecord(raw, tracingSchema);
    if (target_false != null) notes.dropped.push({ field: 'target_false', rule: 'unread' });
    const custom_id = `${place.layout}-${place.record}`;
    const names = { target_new: 'target_true', relation: 'relation_id' };
    return stated(
      { custom_id, prompt, subject, answer: target_true, relation: relation_id ?? undefined },
      names,
      notes,
    );
  },
};

const relationSchema = z.object({
  name: text,
  prompt_templates: z.array(text).min(1),
  subject: text,
  object: text,
});

/** The pairs of a relation, each with what the file says of all. */
function pairsOf(document: unknown): readonly unknown[] {
  const { samples, ...relation } = asObject(document) ?? {};
  if (!Array.isArray(samples)) return [document];
  return samples.map((pair) => ({ ...relation, ...asObject(pair) }));
}

export const relations: Layout = {
  name: 'relations',
  title: 'A relation of LRE: pairs of subject and object with the wordings of their relation',
  source: 'Hernandez et al. 2024, Linearity of Relation Decoding in Transformer Language Models',
  kind: 'edits',
  alsoCalled: ['lre'],
  formats: ['value'],
  document: {
    begins: /^\{\s*"(name|prompt_templates|prompt_templates_zs|properties|samples)"\s*:/,
    path: '$',
    records: pairsOf,
  },
  fits: (raw) => has(objectOf(raw), 'prompt_templates', 'subject', 'object'),
  read: (raw, place, notes) => {
    const { name, prompt_templates, subject, object } = parseRecord(raw, relationSchema);
    const [prompt, ...others] = prompt_templates as [string, ...string[]];
    const rephrases = others.map((template) => template.replaceAll('{}', () => subject));
    const custom_id = `${place.layout}-${name}-${place.record}`.replace(/\s+/g, '-');
    const names = {
      prompt: 'prompt_templates.0',
      target_new: 'object',
      relation: 'name',
      rephrases: 'prompt_templates',
    };
    return stated({ custom_id, prompt, subject, answer: object, relation: name, rephrases }, names, notes);
  },
};
