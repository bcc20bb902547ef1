// RippleEdits: an edit with six criteria, each a list of tests that count only where their conditions held before.
import type { Probe } from '@errata/contracts';
import { z } from 'zod';
import {
  type AcceptedAnswer,
  type RippleCriterion,
  type RippleQuery,
  type RippleTest,
  rippleCriteria,
} from '../cases.ts';
import { finishEdit, probeGroups, probeOf, withAliases } from '../draft.ts';
import {
  answersOf,
  asObject,
  has,
  keepOne,
  keepUsable,
  type Layout,
  objectOf,
  parsePart,
  parseRecord,
  text,
} from '../layout.ts';
import { type Notes, Unusable } from '../rules.ts';
import { readStatement, rippleClozes, type Statement } from './ripple-relations.ts';

const criterionFields: Readonly<Record<RippleCriterion, readonly string[]>> = {
  logical_generalization: ['Logical_Generalization'],
  compositionality_i: ['Compositionality_I'],
  compositionality_ii: ['Compositionality_II'],
  subject_aliasing: ['Subject_Aliasing'],
  forgetfulness: ['Forgetfulness'],
  // Spelled in two ways, by the files and by the code that writes them.
  relation_specificity: ['Relation_Specificity', 'Relation_Specifity'],
};

const factSchema = z.object({ prompt: text, relation: text, target_id: z.unknown().optional() });
const schema = z.object({
  example_type: z.enum(['popular', 'random', 'recent', 'counter_fact', 'recently_added_fact']).optional(),
  edit: factSchema.extend({
    original_fact: z.object({ prompt: text }).nullish(),
    previous_fact: z.object({ prompt: text }).nullish(),
  }),
});

const testSchema = z.object({
  test_queries: z.array(z.unknown()).min(1),
  test_condition: z.enum(['OR', 'AND']).default('OR'),
  condition_queries: z.array(z.unknown()).nullish(),
});
const querySchema = z.object({ prompt: text, answers: z.array(z.unknown()).min(1) });
const answerSchema = z.object({ value: z.union([text, z.number()]), aliases: z.unknown().optional() });

function readQuery(value: unknown, path: string): RippleQuery {
  const { prompt, answers } = parsePart(value, querySchema, path);
  return {
    prompt: prompt.trim(),
    answers: answers.map((answer, index): AcceptedAnswer => {
      const { value, aliases } = parsePart(answer, answerSchema, `${path}.answers.${index}`);
      return { value: String(value).trim(), aliases: answersOf(aliases) };
    }),
  };
}

/** A test is used whole or not at all: with a query or a condition missing it would ask something else. */
function readTest(value: unknown, path: string): RippleTest {
  const test = parsePart(value, testSchema, path);
  return {
    queries: test.test_queries.map((query, index) => readQuery(query, `${path}.test_queries.${index}`)),
    passes: test.test_condition === 'AND' ? 'all' : 'any',
    conditions: (test.condition_queries ?? []).map((query, index) =>
      readQuery(query, `${path}.condition_queries.${index}`),
    ),
  };
}

type Criteria = { [criterion in RippleCriterion]?: readonly RippleTest[] };

function readCriteria(record: Readonly<Record<string, unknown>>, notes: Notes): Criteria {
  const criteria: Criteria = {};
  for (const criterion of rippleCriteria) {
    const tests = criterionFields[criterion].flatMap((field) => {
      const found = record[field];
      if (found === undefined || found === null) return [];
      if (!Array.isArray(found)) {
        notes.dropped.push({ field, rule: 'wrong_type' });
        return [];
      }
      return keepUsable(found, field, readTest, notes);
    });
    if (tests.length > 0) criteria[criterion] = tests;
  }
  return criteria;
}

/** Spellings of the new answer, from queries whose one answer it is. */
function spellingsOf(targetId: unknown, record: Readonly<Record<string, unknown>>): readonly string[] {
  const spellings = new Set<string>();
  for (const tests of Object.values(record)) {
    for (const test of Array.isArray(tests) ? tests : []) {
      for (const query of listOf(test, 'test_queries')) {
        const { query_type, target_ids, answers } = asObject(query) ?? {};
        if (query_type !== 'regular' || !isOnly(target_ids, targetId) || !Array.isArray(answers)) continue;
        const { value, aliases } = asObject(answers[0]) ?? {};
        for (const spelling of [...answersOf(value), ...answersOf(aliases)]) spellings.add(spelling);
      }
    }
  }
  return [...spellings];
}

const listOf = (value: unknown, field: string): readonly unknown[] => {
  const list = asObject(value)?.[field];
  return Array.isArray(list) ? list : [];
};

const isOnly = (ids: unknown, id: unknown): boolean => Array.isArray(ids) && ids.length === 1 && ids[0] === id;

/** Subject and answer of the edit's sentence, by whatever else tells of them where the wording leaves several readings. */
function settle(
  readings: readonly Statement[],
  spellings: readonly string[],
  earlier: readonly Statement[],
): Statement | undefined {
  const narrow = (left: readonly Statement[], holds: (reading: Statement) => boolean): readonly Statement[] => {
    const kept = left.filter(holds);
    return kept.length > 0 ? kept : left;
  };
  const answered = narrow(readings, ({ answer }) => answer !== '');
  const spelled = narrow(answered, ({ answer }) => spellings.includes(answer));
  const shared = narrow(spelled, ({ subject }) => earlier.some((other) => other.subject === subject));
  return shared.at(-1);
}

/** Tests as probes of the edit. A probe has one answer: queries that want several named stay with their criterion. */
function probes(tests: readonly RippleTest[] | undefined, notes: Notes): readonly Probe[] {
  const queries = (tests ?? []).flatMap((test) => test.queries.filter(({ answers }) => answers.length === 1));
  const read = ({ prompt, answers }: RippleQuery, path: string) =>
    probeOf(prompt, [answers[0]!.value, ...answers[0]!.aliases], path);
  return queries.flatMap((query) => keepOne(query, query.prompt, () => read(query, query.prompt), notes));
}

export const rippleEdits: Layout = {
  name: 'ripple_edits',
  title: 'RippleEdits: popular, random and recent edits with six criteria',
  source: 'Cohen et al. 2024, Evaluating the Ripple Effects of Knowledge Editing in Language Models',
  kind: 'edits',
  alsoCalled: ['ripple', 'ripe'],
  formats: ['value'],
  fits: (raw) => {
    const record = objectOf(raw);
    return (
      has(asObject(record?.edit), 'prompt') &&
      Object.values(criterionFields)
        .flat()
        .some((field) => has(record, field))
    );
  },
  read: (raw, place, notes) => {
    const { edit: fact, example_type } = parseRecord(raw, schema);
    const record = objectOf(raw)!;
    const { relation } = fact;
    if (!Object.hasOwn(rippleClozes, relation)) throw new Unusable('edit.relation', 'unknown_value');
    const criteria = readCriteria(record, notes);
    const spellings = spellingsOf(fact.target_id, record);
    const original = fact.original_fact ?? fact.previous_fact ?? undefined;
    const earlier = original === undefined ? [] : readStatement(original.prompt, relation);
    const stated = settle(readStatement(fact.prompt, relation), spellings, earlier);
    if (stated === undefined) throw new Unusable('edit.prompt', 'unknown_wording');
    const known = earlier.find(({ subject }) => subject === stated.subject)?.answer;
    if (original !== undefined && !known) {
      // Upstream leaves the answer out where nobody knows what came before: "A follows ."
      notes.dropped.push({
        field: fact.original_fact ? 'edit.original_fact.prompt' : 'edit.previous_fact.prompt',
        rule: known === '' ? 'empty' : 'unknown_wording',
      });
    }
    const subset = subsetOf(example_type, original !== undefined);
    const edit = finishEdit(
      {
        custom_id: `${place.layout}-${place.record}`,
        prompt: rippleClozes[relation]!,
        subject: stated.subject,
        target_new: stated.answer,
        ...(known && { target_true: known }),
        relation,
        ...withAliases(spellings, stated.answer),
        locality: probeGroups({
          other_relations: probes(criteria.relation_specificity, notes),
          distracting: probes(criteria.forgetfulness, notes),
        }),
        portability: probeGroups({
          alias: probes(criteria.subject_aliasing, notes),
          inverse: probes(criteria.logical_generalization, notes),
          one_hop: [...probes(criteria.compositionality_i, notes), ...probes(criteria.compositionality_ii, notes)],
        }),
        metadata: { subset },
      },
      { prompt: 'edit.prompt', subject: 'edit.prompt', target_new: 'edit.prompt', relation: 'edit.relation' },
      notes,
    );
    return { case: { id: edit.custom_id, edits: [edit], ripple: { subset, criteria } } };
  },
};

/** The code that writes the files calls every counterfactual `counter_fact`; the files say popular or random. */
function subsetOf(type: z.infer<typeof schema>['example_type'], changes: boolean): 'popular' | 'random' | 'recent' {
  if (type === 'popular' || type === 'random' || type === 'recent') return type;
  return type === 'recently_added_fact' || !changes ? 'recent' : 'random';
}
