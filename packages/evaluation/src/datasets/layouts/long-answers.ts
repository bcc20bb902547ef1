// Edits whose answers are passages: UnKE, and AKEW with the facts of CounterFact, MQuAKE and Wikidata told in prose.
import type { Edit, Probe } from '@errata/contracts';
import { z } from 'zod';
import { finishEdit, probeGroups, probeOf, spelledInPrompt } from '../draft.ts';
import {
  answersOf,
  asObject,
  has,
  id,
  keepEach,
  keepOne,
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
import { type Notes, Unusable } from '../rules.ts';

const unkeSchema = z.object({
  id: id.nullish(),
  question: text,
  answer: text,
  para_question: z.unknown().optional(),
  sub_question: z.unknown().optional(),
  sub_answer: z.unknown().optional(),
});

/** Questions beside a list of their answers. */
function subQuestions(questions: unknown, answers: unknown, notes: Notes): readonly Probe[] {
  const asked = Array.isArray(questions) ? questions : answersOf(questions);
  const told = Array.isArray(answers) ? answers : answersOf(answers);
  return asked.flatMap((question, index) =>
    keepOne(
      question,
      `sub_question.${index}`,
      (value, path) => probeOf(promptOf(value, path), requireAnswers(told[index], `sub_answer.${index}`), path),
      notes,
    ),
  );
}

export const unke: Layout = {
  name: 'unke',
  title: 'UnKE: questions whose answers are passages, with questions about their parts',
  source: 'Deng et al. 2024, UnKE: Unstructured Knowledge Editing in Large Language Models',
  kind: 'edits',
  alsoCalled: ['unkebench'],
  formats: ['value'],
  fits: (raw) => has(objectOf(raw), 'question', 'answer') && isAboutParts(objectOf(raw)),
  read: (raw, place, notes) => {
    const record = parseRecord(raw, unkeSchema);
    noteUnread(raw, Object.keys(unkeSchema.shape), notes);
    const edit = finishEdit(
      {
        custom_id: `${place.layout}-${record.id ?? place.record}`,
        prompt: record.question,
        target_new: record.answer,
        rephrases: [...keepEach(record.para_question, 'para_question', promptOf, notes)],
        portability: probeGroups({ one_hop: subQuestions(record.sub_question, record.sub_answer, notes) }),
      },
      { custom_id: 'id', prompt: 'question', target_new: 'answer', rephrases: 'para_question' },
      notes,
    );
    return { case: { id: edit.custom_id, edits: [edit] } };
  },
};

/** Whether a question is one of UnKE, and no question of general ability. */
export const isAboutParts = (record: Readonly<Record<string, unknown>> | undefined): boolean =>
  has(record, 'para_question') || has(record, 'sub_question');

const rewriteSchema = z.object({
  prompt: text.nullish(),
  subject: text,
  relation_id: text.nullish(),
  question: text.nullish(),
  prompt_full: text.nullish(),
  fact_new_uns: text,
  unsfact_triplets_GPT: z.array(z.unknown()).nullish(),
});

const akewSchema = z.object({
  case_id: id.nullish(),
  requested_rewrite: z.unknown(),
  paraphrase_prompts: z.array(z.unknown()).nullish(),
});

const tripletSchema = z.object({ subject: text, prompt: text, target: text });

function readTriplet(value: unknown, path: string): Probe {
  const { subject, prompt, target } = parsePart(value, tripletSchema, path);
  return probeOf(
    promptOf(
      prompt.replaceAll('{}', () => subject),
      `${path}.prompt`,
    ),
    [target.trim()],
    path,
  );
}

export const akew: Layout = {
  name: 'akew',
  title: 'AKEW: the facts of CounterFact, MQuAKE and Wikidata, told in prose',
  source: 'Wu et al. 2024, AKEW: Assessing Knowledge Editing in the Wild',
  kind: 'edits',
  formats: ['value'],
  fits: (raw) => {
    const rewrite = objectOf(raw)?.requested_rewrite;
    return has(asObject(Array.isArray(rewrite) ? rewrite[0] : rewrite), 'fact_new_uns');
  },
  read: (raw, place, notes) => {
    const record = parseRecord(raw, akewSchema);
    const caseId = `${place.layout}-${record.case_id ?? place.record}`;
    const given = record.requested_rewrite;
    const several = Array.isArray(given);
    const edits = (several ? given : [given]).map((value: unknown, index): Edit => {
      const path = several ? `requested_rewrite.${index}` : 'requested_rewrite';
      const rewrite = parsePart(value, rewriteSchema, path);
      const { subject, relation_id, fact_new_uns } = rewrite;
      // Its questions are written freely, and do not all name the subject.
      const wordings = (['question', 'prompt_full', 'prompt'] as const).filter((name) => rewrite[name] != null);
      const asked = wordings.find((name) => spelledInPrompt(rewrite[name]!, subject) !== undefined) ?? wordings[0];
      return finishEdit(
        {
          custom_id: several ? `${caseId}.${index}` : caseId,
          prompt: asked === undefined ? '' : rewrite[asked]!,
          subject,
          target_new: fact_new_uns,
          ...(relation_id != null && { relation: relation_id }),
          rephrases: several ? [] : [...keepUsable(record.paraphrase_prompts, 'paraphrase_prompts', promptOf, notes)],
          portability: probeGroups({
            one_hop: keepUsable(rewrite.unsfact_triplets_GPT, `${path}.unsfact_triplets_GPT`, readTriplet, notes),
          }),
        },
        {
          custom_id: 'case_id',
          prompt: `${path}.${asked ?? 'question'}`,
          subject: `${path}.subject`,
          target_new: `${path}.fact_new_uns`,
          relation: `${path}.relation_id`,
          rephrases: 'paraphrase_prompts',
        },
        notes,
      );
    });
    if (edits.length === 0) throw new Unusable('requested_rewrite', 'empty');
    return { case: { id: caseId, edits } };
  },
};
