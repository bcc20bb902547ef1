// Lists of requests as the editing programs take them: ROME, MEMIT and AlphaEdit with `{}` prompts, FastEdit, and the columns of EasyEdit.
import type { LocalityKind, PortabilityKind, Probe } from '@errata/contracts';
import { z } from 'zod';
import { finishEdit, probeGroups, probeOf } from '../draft.ts';
import {
  answersOf,
  asObject,
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
  requireAnswers,
  text,
} from '../layout.ts';
import type { Notes } from '../rules.ts';
import { answer } from './counterfact.ts';

/** What stands for an answer that nobody knows. */
const noAnswer = '<|endoftext|>';

const requestSchema = z.object({
  case_id: id.nullish(),
  prompt: text,
  subject: text,
  target_new: answer,
  target_true: answer.nullish(),
  relation_id: text.nullish(),
});

export const romeRequests: Layout = {
  name: 'rome_requests',
  title: 'Requests of ROME, MEMIT and AlphaEdit, as a list',
  source: 'Meng et al. 2022, 2023 (ROME, MEMIT); Fang et al. 2025 (AlphaEdit)',
  kind: 'edits',
  alsoCalled: ['requests', 'memit_requests', 'alphaedit_requests'],
  formats: ['value'],
  fits: (raw) => {
    const record = objectOf(raw);
    return has(record, 'prompt') && asObject(record!.target_new) !== undefined;
  },
  read: (raw, place, notes) => {
    const record = parseRecord(raw, requestSchema);
    const { prompt, subject, target_new, target_true, relation_id } = record;
    const known = target_true && target_true.str.trim() !== noAnswer ? target_true.str : undefined;
    noteUnread(raw, [...Object.keys(requestSchema.shape), 'id'], notes);
    const edit = finishEdit(
      {
        custom_id: `${place.layout}-${record.case_id ?? place.record}`,
        prompt,
        subject,
        target_new: target_new.str,
        ...(known !== undefined && { target_true: known }),
        ...(relation_id != null && { relation: relation_id }),
      },
      {
        custom_id: 'case_id',
        target_new: 'target_new.str',
        target_true: 'target_true.str',
        relation: 'relation_id',
      },
      notes,
    );
    return { case: { id: edit.custom_id, edits: [edit] } };
  },
};

const fastEditSchema = z.object({
  prompt: text,
  subject: text,
  target: text,
  queries: z.array(z.unknown()).nullish(),
});

export const fastEdit: Layout = {
  name: 'fastedit',
  title: 'Requests of FastEdit',
  source: 'hiyouga 2023, FastEdit: Editing LLMs within 10 Seconds',
  kind: 'edits',
  formats: ['value'],
  fits: (raw) => has(objectOf(raw), 'prompt', 'subject', 'target') && !has(objectOf(raw), 'target_new'),
  read: (raw, place, notes) => {
    const { prompt, subject, target, queries } = parseRecord(raw, fastEditSchema);
    noteUnread(raw, Object.keys(fastEditSchema.shape), notes);
    const edit = finishEdit(
      {
        custom_id: `${place.layout}-${place.record}`,
        prompt,
        subject,
        target_new: target,
        rephrases: [...keepUsable(queries, 'queries', promptOf, notes)],
      },
      { target_new: 'target', rephrases: 'queries' },
      notes,
    );
    return { case: { id: edit.custom_id, edits: [edit] } };
  },
};

const inputs = z.record(z.string(), z.unknown()).nullish();

const easyEditSchema = z.object({
  case_id: id.nullish(),
  prompt: text,
  subject: text.nullish(),
  target_new: text,
  ground_truth: z.unknown().optional(),
  rephrase_prompt: z.unknown().optional(),
  locality_inputs: inputs,
  portability_inputs: inputs,
});

/** Columns that hold a value for each edit, and what a record calls them. */
const columnNames: Readonly<Record<string, string>> = {
  prompt: 'prompt',
  prompts: 'prompt',
  subject: 'subject',
  target_new: 'target_new',
  ground_truth: 'ground_truth',
  rephrase_prompt: 'rephrase_prompt',
  rephrase_prompts: 'rephrase_prompt',
};

/** The arguments of EasyEdit's `edit`, as one object of columns, a record for each prompt. */
function recordsOf(document: unknown): readonly unknown[] {
  const columns = asObject(document) ?? {};
  const prompts = columns.prompts ?? columns.prompt;
  if (!Array.isArray(prompts)) return [document];
  return prompts.map((_, row) => {
    const at = (column: unknown): unknown => (Array.isArray(column) ? column[row] : column);
    const fields = Object.entries(columns).map(([name, column]) => {
      const given = asObject(column);
      if (given === undefined || !name.endsWith('_inputs')) return [columnNames[name] ?? name, at(column)];
      const kinds = Object.entries(given).map(([kind, probe]) => {
        const parts = Object.entries(asObject(probe) ?? {}).map(([part, values]) => [part, at(values)]);
        return [kind, Object.fromEntries(parts)];
      });
      return [name, Object.fromEntries(kinds)];
    });
    return Object.fromEntries(fields);
  });
}

const localityKinds: Readonly<Record<string, LocalityKind>> = {
  neighborhood: 'neighbourhood',
  distracting: 'distracting',
};
const portabilityKinds: Readonly<Record<string, PortabilityKind>> = {
  synonym: 'alias',
  inverse: 'inverse',
  one_hop: 'one_hop',
};

/** Probes of EasyEdit's kinds, each `{ prompt, ground_truth }` with one prompt or several. */
function readInputs<Kind extends string>(
  found: z.infer<typeof inputs>,
  field: 'locality_inputs' | 'portability_inputs',
  kinds: Readonly<Record<string, Kind>>,
  notes: Notes,
): { [kind in Kind]?: Probe[] } {
  const read: { [kind in Kind]?: Probe[] } = {};
  for (const [name, group] of Object.entries(found ?? {})) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    const { prompt, ground_truth } = asObject(group) ?? {};
    if (kind === undefined) notes.dropped.push({ field: `${field}.${name}`, rule: 'unknown_value' });
    if (kind === undefined || prompt === undefined || prompt === null) continue;
    const probe = (value: unknown, path: string): Probe => {
      const truth = besideOf(ground_truth, path);
      const answers = field === 'portability_inputs' ? requireAnswers(truth, `${path}.ground_truth`) : answersOf(truth);
      return probeOf(promptOf(value, path), answers, path);
    };
    read[kind] = [...keepEach(prompt, `${field}.${name}`, probe, notes)];
  }
  return probeGroups(read);
}

export const easyEdit: Layout = {
  name: 'easyedit',
  title: 'The arguments of EasyEdit: an object of columns, or a record an edit',
  source: 'Wang et al. 2024, EasyEdit',
  kind: 'edits',
  formats: ['value'],
  document: {
    begins: /^\{\s*"(prompts?|subject|target_new)"\s*:\s*\[/,
    path: '$',
    records: recordsOf,
  },
  fits: (raw) => {
    const record = objectOf(raw);
    const others = [
      'custom_id',
      'locality',
      'portability',
      'locality_prompt',
      'target_old',
      'src',
      'requested_rewrite',
    ];
    return (
      has(record, 'prompt', 'target_new') &&
      ['ground_truth', 'rephrase_prompt', 'locality_inputs', 'portability_inputs'].some((name) => has(record, name)) &&
      asObject(record!.target_new) === undefined &&
      !others.some((name) => has(record, name))
    );
  },
  read: (raw, place, notes) => {
    const record = parseRecord(raw, easyEditSchema);
    const [known] = answersOf(record.ground_truth).filter((each) => each !== noAnswer);
    noteUnread(raw, Object.keys(easyEditSchema.shape), notes);
    const edit = finishEdit(
      {
        custom_id: `${place.layout}-${record.case_id ?? place.record}`,
        prompt: record.prompt,
        ...(record.subject != null && { subject: record.subject }),
        target_new: record.target_new,
        ...(known !== undefined && { target_true: known }),
        rephrases: [...keepEach(record.rephrase_prompt, 'rephrase_prompt', promptOf, notes)],
        locality: readInputs(record.locality_inputs, 'locality_inputs', localityKinds, notes),
        portability: readInputs(record.portability_inputs, 'portability_inputs', portabilityKinds, notes),
      },
      { custom_id: 'case_id', target_true: 'ground_truth', rephrases: 'rephrase_prompt' },
      notes,
    );
    return { case: { id: edit.custom_id, edits: [edit] } };
  },
};
