// KnowEdit's layouts: counterfactuals, recent facts and biographies from Wikidata, and ZsRE with its portability probes.
import type { LocalityKind, PortabilityKind, Probe } from '@errata/contracts';
import { z } from 'zod';
import { finishEdit, probeGroups, probeOf, withAliases } from '../draft.ts';
import {
  answersOf,
  has,
  keepEach,
  keepUsable,
  type Layout,
  objectOf,
  parsePart,
  parseRecord,
  promptOf,
  requireAnswers,
  text,
} from '../layout.ts';
import type { Notes } from '../rules.ts';
import type { RawRecord } from '../source/records.ts';

const source = 'Zhang et al. 2024, A Comprehensive Study of Knowledge Editing for Large Language Models (KnowEdit)';

/**
 * Its names for kinds of probes, and ours. Logical generalisation asks what follows by symmetry or inversion. Forgetfulness
 * names the new answer in the prompt and asks for the old one of a relation that has several.
 */
const portabilityKinds: Readonly<Record<string, PortabilityKind>> = {
  Subject_Aliasing: 'alias',
  Logical_Generalization: 'inverse',
  Reasoning: 'one_hop',
};
const localityKinds: Readonly<Record<string, LocalityKind>> = {
  Relation_Specificity: 'other_relations',
  // As it is misspelt in some files.
  Relation_Specifity: 'other_relations',
  Forgetfulness: 'distracting',
};

const probeSchema = z.object({ prompt: z.union([text, z.array(text).min(1)]), ground_truth: z.unknown().optional() });
const groups = z.record(z.string(), z.array(z.unknown()).nullish()).nullish();
const groupFields = { portability: groups, locality: groups };

/** Probes by our kinds; those of a kind that we do not know are left out, and a group says so once. */
function readGroups<Kind extends string>(
  found: z.infer<typeof groups>,
  field: 'portability' | 'locality',
  kinds: Readonly<Record<string, Kind>>,
  notes: Notes,
): { [kind in Kind]?: Probe[] } {
  const read: { [kind in Kind]?: Probe[] } = {};
  for (const [name, probes] of Object.entries(found ?? {})) {
    const kind = kinds[name];
    const path = `${field}.${name}`;
    if (kind === undefined) notes.dropped.push({ field: path, rule: 'unknown_value' });
    else {
      const kept = keepUsable(probes, path, (value, at) => readProbe(value, at, field), notes);
      read[kind] = [...(read[kind] ?? []), ...kept];
    }
  }
  return probeGroups(read);
}

/** Portability needs an answer; locality can be held against the parent's own. */
function readProbe(value: unknown, path: string, field: 'portability' | 'locality'): Probe {
  const { prompt, ground_truth } = parsePart(value, probeSchema, path);
  const asked = typeof prompt === 'string' ? prompt : prompt[0]!;
  const answers =
    field === 'portability' ? requireAnswers(ground_truth, `${path}.ground_truth`) : answersOf(ground_truth);
  return probeOf(asked, answers, path);
}

interface Shape {
  readonly name: string;
  readonly title: string;
  readonly alsoCalled?: readonly string[];
  /** Whether a record's known answer has to be there. */
  readonly truth: 'required' | 'optional';
  readonly fits: (raw: RawRecord) => boolean;
}

const recordSchema = z.object({
  prompt: text,
  subject: text,
  target_new: text,
  ground_truth: z.unknown().optional(),
  rephrase_prompt: z.unknown().optional(),
  rephrase: z.unknown().optional(),
  ...groupFields,
});

const knowEdit = ({ truth, ...shape }: Shape): Layout => ({
  ...shape,
  source,
  kind: 'edits',
  formats: ['value'],
  read: (raw, place, notes) => {
    const record = parseRecord(raw, recordSchema);
    const known =
      truth === 'required' ? requireAnswers(record.ground_truth, 'ground_truth') : answersOf(record.ground_truth);
    if (known.length === 0 && record.ground_truth !== undefined && record.ground_truth !== null) {
      notes.dropped.push({ field: 'ground_truth', rule: 'empty' });
    }
    const rephrasedIn = record.rephrase_prompt === undefined ? 'rephrase' : 'rephrase_prompt';
    const edit = finishEdit(
      {
        custom_id: `${place.layout}-${place.record}`,
        prompt: record.prompt,
        subject: record.subject,
        target_new: record.target_new,
        ...(known[0] !== undefined && { target_true: known[0] }),
        rephrases: [...keepEach(record[rephrasedIn], rephrasedIn, promptOf, notes)],
        locality: readGroups(record.locality, 'locality', localityKinds, notes),
        portability: readGroups(record.portability, 'portability', portabilityKinds, notes),
      },
      { target_true: 'ground_truth', rephrases: rephrasedIn },
      notes,
    );
    return { case: { id: edit.custom_id, edits: [edit] } };
  },
});

const isKnowEdit = (raw: RawRecord): boolean => {
  const record = objectOf(raw);
  return (
    has(record, 'prompt', 'subject') &&
    (has(record, 'portability') || has(record, 'locality')) &&
    !has(record, 'custom_id') &&
    !has(record, 'target_old') &&
    !has(record, 'locality_prompt')
  );
};
const isRephrased = (raw: RawRecord): boolean => has(objectOf(raw), 'rephrase_prompt');
const isAnswered = (raw: RawRecord): boolean => has(objectOf(raw), 'ground_truth');

export const zsreKnowEdit = knowEdit({
  name: 'zsre_knowedit',
  title: 'ZsRE with portability and locality probes',
  truth: 'required',
  fits: (raw) => isKnowEdit(raw) && isRephrased(raw),
});

export const wikiCounterfact = knowEdit({
  name: 'wiki_counterfact',
  title: 'Wikidata counterfactuals',
  alsoCalled: ['wikidata_counterfact', 'knowedit'],
  truth: 'optional',
  fits: (raw) => isKnowEdit(raw) && !isRephrased(raw) && isAnswered(raw),
});

export const wikiRecent = knowEdit({
  name: 'wiki_recent',
  title: 'Wikidata facts of recent date',
  alsoCalled: ['wikidata_recent'],
  truth: 'optional',
  fits: (raw) => isKnowEdit(raw) && !isRephrased(raw) && !isAnswered(raw),
});

const biographySchema = z.object({ text, labels: z.unknown().optional(), concept: text, ...groupFields });

export const wikiBio: Layout = {
  name: 'wikibio',
  title: 'WikiBio: hallucinated sentences of biographies, corrected',
  source: `${source}; Hartvigsen et al. 2023, Aging with GRACE`,
  kind: 'edits',
  alsoCalled: ['wiki_bio'],
  formats: ['value'],
  fits: (raw) => has(objectOf(raw), 'text', 'concept'),
  read: (raw, place, notes) => {
    const record = parseRecord(raw, biographySchema);
    const [target, ...others] = requireAnswers(record.labels, 'labels');
    const edit = finishEdit(
      {
        custom_id: `${place.layout}-${place.record}`,
        prompt: record.text,
        subject: record.concept,
        target_new: target,
        ...withAliases(others, target),
        locality: readGroups(record.locality, 'locality', localityKinds, notes),
        portability: readGroups(record.portability, 'portability', portabilityKinds, notes),
      },
      { prompt: 'text', subject: 'concept', target_new: 'labels' },
      notes,
    );
    return { case: { id: edit.custom_id, edits: [edit] } };
  },
};
