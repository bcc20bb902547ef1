// ANLI: does a premise imply a hypothesis?
import { z } from 'zod';
import type { EntailmentLabel } from '../items.ts';
import { has, id, isSuiteItem, type Layout, objectOf, parseRecord, text } from '../layout.ts';
import { Unusable } from '../rules.ts';

const labels: Readonly<Record<string, EntailmentLabel>> = {
  e: 'entailment',
  entailment: 'entailment',
  '0': 'entailment',
  n: 'neutral',
  neutral: 'neutral',
  '1': 'neutral',
  c: 'contradiction',
  contradiction: 'contradiction',
  '2': 'contradiction',
};

const schema = z.object({
  uid: id.optional(),
  context: text.optional(),
  premise: text.optional(),
  hypothesis: text,
  label: z.union([text, z.number()]),
  /** Where the premise comes from; in atlas's own file, the kind of inference. */
  genre: z.string().nullish(),
  /** The hypothesis with the opposite truth: in atlas's own file alone. */
  contrast: text.optional(),
});

export const anli: Layout = {
  name: 'anli',
  title: 'ANLI, rounds 1 to 3',
  source: 'Nie et al. 2020, Adversarial NLI',
  kind: 'suite',
  alsoCalled: ['anli_r1', 'anli_r2', 'anli_r3'],
  formats: ['value'],
  fits: (raw) => {
    const record = objectOf(raw);
    return !isSuiteItem(record) && has(record, 'hypothesis') && (has(record, 'context') || has(record, 'premise'));
  },
  read: (raw, place) => {
    const { uid, context, premise, hypothesis, label, genre, contrast } = parseRecord(raw, schema);
    const given = premise ?? context;
    if (given === undefined) throw new Unusable('premise', 'missing');
    const key = String(label).trim().toLowerCase();
    if (!Object.hasOwn(labels, key)) throw new Unusable('label', 'unknown_value');
    return {
      item: {
        kind: 'entailment',
        id: String(uid ?? `${place.layout}-${place.record}`),
        premise: given.trim(),
        hypothesis: hypothesis.trim(),
        label: labels[key]!,
        ...(contrast !== undefined && { contrast: contrast.trim() }),
        ...(genre?.trim() && { group: genre.trim() }),
      },
    };
  },
};
