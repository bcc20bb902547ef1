// MQuAKE: chains of facts, some of them edited, and questions over the whole chain.
import type { Edit } from '@errata/contracts';
import { z } from 'zod';
import type { AcceptedAnswer, Hop } from '../cases.ts';
import { finishEdit, withAliases } from '../draft.ts';
import {
  answersOf,
  has,
  id,
  keepOne,
  keepUsable,
  type Layout,
  objectOf,
  parsePart,
  parseRecord,
  promptOf,
  text,
} from '../layout.ts';
import { type Notes, Unusable } from '../rules.ts';
import { rewriteSchema } from './counterfact.ts';

const hopSchema = z.object({ question: text, cloze: text, answer: text, answer_alias: z.unknown().optional() });

const schema = z.object({
  case_id: id.optional(),
  requested_rewrite: z.array(rewriteSchema.extend({ question: z.unknown().optional() })).min(1),
  questions: z.array(z.unknown()).min(1),
  answer: text,
  answer_alias: z.unknown().optional(),
  new_answer: text,
  new_answer_alias: z.unknown().optional(),
  single_hops: z.array(z.unknown()).nullish(),
  new_single_hops: z.array(z.unknown()).nullish(),
});

const accepted = (value: string, aliases: unknown): AcceptedAnswer => ({
  value: value.trim(),
  aliases: answersOf(aliases).filter((alias) => alias !== value.trim()),
});

function readHops(values: readonly unknown[] | null | undefined, field: string, notes: Notes): readonly Hop[] {
  const read = (value: unknown, path: string): Hop => {
    const { question, cloze, answer, answer_alias } = parsePart(value, hopSchema, path);
    return { question: question.trim(), cloze: cloze.trim(), answer: accepted(answer, answer_alias) };
  };
  return keepUsable(values, field, read, notes);
}

export const mquake: Layout = {
  name: 'mquake',
  title: 'MQuAKE: multi-hop questions over edited facts',
  source: 'Zhong et al. 2023, MQuAKE: Assessing Knowledge Editing via Multi-Hop Questions',
  kind: 'edits',
  alsoCalled: ['mquake_cf', 'mquake_t', 'mquake_cf_3k', 'mquake_hard'],
  formats: ['value'],
  fits: (raw) => {
    const record = objectOf(raw);
    return has(record, 'requested_rewrite') && Array.isArray(record!.requested_rewrite);
  },
  read: (raw, place, notes) => {
    const record = parseRecord(raw, schema);
    const caseId = `${place.layout}-${record.case_id ?? place.record}`;
    const questions = keepUsable(record.questions, 'questions', promptOf, notes);
    if (questions.length === 0) throw new Unusable('questions', 'empty');
    const hops = {
      before: readHops(record.single_hops, 'single_hops', notes),
      after: readHops(record.new_single_hops, 'new_single_hops', notes),
    };
    const edits = record.requested_rewrite.map((rewrite, index): Edit => {
      const path = `requested_rewrite.${index}`;
      const { prompt, subject, relation_id, target_new, target_true, question } = rewrite;
      const told = hops.after.find(
        (hop) =>
          hop.answer.value === target_new.str.trim() && (hop.question === question || hop.cloze.includes(subject)),
      );
      return finishEdit(
        {
          custom_id: `${caseId}.${index}`,
          prompt,
          subject,
          target_new: target_new.str,
          ...(target_true && { target_true: target_true.str }),
          ...(relation_id !== undefined && { relation: relation_id }),
          ...withAliases(told?.answer.aliases, target_new.str.trim()),
          rephrases: [...keepOne(question, `${path}.question`, promptOf, notes)],
        },
        {
          custom_id: 'case_id',
          prompt: `${path}.prompt`,
          subject: `${path}.subject`,
          target_new: `${path}.target_new.str`,
          target_true: `${path}.target_true.str`,
          relation: `${path}.relation_id`,
          rephrases: `${path}.question`,
        },
        notes,
      );
    });
    return {
      case: {
        id: caseId,
        edits,
        multiHop: {
          questions,
          before: accepted(record.answer, record.answer_alias),
          after: accepted(record.new_answer, record.new_answer_alias),
          hops,
        },
      },
    };
  },
};
