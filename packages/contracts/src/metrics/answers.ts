// The catalogue's metrics of answers: reliability, generalization, portability, locality, accuracy on a suite.
import { boundedInThreeReadings, family, inThreeReadings } from './definition.ts';
import { type LocalityKind, localityKinds, type PortabilityKind, portabilityKinds } from './kinds.ts';

const survey = 'Yao et al. 2023 (EMNLP survey)';

const portability: Readonly<Record<PortabilityKind, string>> = {
  alias: 'prompts that name the subject otherwise',
  inverse: 'prompts that ask for the subject by the object',
  one_hop: 'prompts whose answer follows from the edit and one more fact',
};

export const targets = family({
  title: 'Answers held against a target',
  about:
    'The mean over the prompts of a case, on the edited model and on its parent. A target of three tokens with one hit ' +
    'scores 1/3 by token and 0 for all tokens. Readings by token and for all tokens give the model the target, whose length ' +
    'and earlier tokens leak; free generation does not, and accepts any listed spelling.',
  metrics: [
    ...boundedInThreeReadings(
      'reliability',
      'level',
      {
        title: 'Reliability',
        definition: "The edit's own prompt, held against the new target.",
        source: `${survey}, section 2`,
      },
      { token: 'reliability', exact: 'reliability_exact' },
    ),
    ...boundedInThreeReadings(
      'generalization',
      'level',
      {
        title: 'Generalization',
        definition: "The edit's rephrases, held against the new target.",
        source: `${survey}, section 2`,
      },
      { token: 'generalization', exact: 'generalization_exact' },
    ),
    ...boundedInThreeReadings('portability', 'level', {
      title: 'Portability',
      definition: 'All portability probes of a case, whatever their kind, each held against its own target.',
      source: `${survey}, section 5`,
    }),
    ...portabilityKinds.flatMap((kind) =>
      boundedInThreeReadings(`portability.${kind}` as const, 'level', {
        title: `Portability: ${kind}`,
        definition: `Of the portability probes: ${portability[kind]}.`,
        source: `${survey}, section 5`,
      }),
    ),
    ...boundedInThreeReadings('accuracy', 'level', {
      title: 'Accuracy',
      definition: 'A question of a suite that no edit is about, held against its answer.',
      source:
        'The upstream and test sets of Hartvigsen et al. 2023 (GRACE) and Huang et al. 2023 (Transformer-Patcher)',
    }),
  ],
});

const locality: Readonly<Record<LocalityKind, string>> = {
  neighbourhood: 'other subjects under the same relation',
  other_relations: 'the same subject under other relations',
  distracting: 'unrelated prompts behind the statement of the edit',
  other_tasks: 'prompts of another kind of task',
};

const inAll = (title: string, other: string) => ({
  title,
  definition: `All locality probes of a case, whatever their kind: agreement with ${other}.`,
  source: `${survey}, section 2`,
});

const inKind = (title: string, other: string, kind: LocalityKind) => ({
  title: `${title}: ${kind}`,
  definition: `Of the locality probes, ${locality[kind]}: agreement with ${other}.`,
  source: `${survey}, sections 2 and 5`,
});

const withParent = ['Locality', 'the parent, the version that the edits were made on'] as const;
const withBase = ['Locality against the base', 'the imported model before any edit'] as const;

/** Kinds of locality whose reading by token has a shorter name. */
const shortLocality = {
  neighbourhood: { token: 'locality_neighbourhood' },
  other_relations: { token: 'locality_other_relations' },
  distracting: {},
  other_tasks: {},
} as const satisfies Readonly<Record<LocalityKind, object>>;

export const agreements = family({
  title: 'Answers held against another version',
  about:
    'Agreement, never truth: a model that was wrong and stays as it was scores 1. The gold answer of a probe, or the ' +
    "parent's own greedy answer where it has none, only lays out the positions at which the two models are compared. By " +
    'token and for all tokens compare the two argmaxes at those positions; free generation compares the two greedy ' +
    'continuations over as many tokens, which must be the same.',
  metrics: [
    ...boundedInThreeReadings('locality', 'comparison', inAll(...withParent), { token: 'locality' }),
    ...localityKinds.flatMap((kind) =>
      boundedInThreeReadings(
        `locality.${kind}` as const,
        'comparison',
        inKind(...withParent, kind),
        shortLocality[kind] as { readonly token?: 'locality_neighbourhood' | 'locality_other_relations' },
      ),
    ),
    ...inThreeReadings('locality_base', inAll(...withBase)),
    ...localityKinds.flatMap((kind) => inThreeReadings(`locality_base.${kind}`, inKind(...withBase, kind))),
  ],
});
