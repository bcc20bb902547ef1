// The catalogue's metrics of what follows from edits: multi-hop questions and ripple effects.
import { family, type MetricDefinition } from './definition.ts';
import { type RippleCriterion, rippleCriteria } from './kinds.ts';

const mquake = 'Zhong et al. 2023 (MQuAKE), evaluation metrics';

const fraction = { version: 1, unit: 'fraction', better: 'higher', level: 'case' } as const;

export const multiHop = family({
  title: 'Multi-hop questions',
  about:
    'All edits of a case are made, then everything is asked by free greedy generation with normalised exact match; aliases ' +
    'count. Before the edits the same is asked of the facts and answers as they were.',
  metrics: [
    {
      ...fraction,
      id: 'multi_hop.edit_wise',
      title: 'Edit-wise accuracy',
      definition: 'Fraction of the edits of a case that are recalled when asked about alone.',
      source: mquake,
    },
    {
      ...fraction,
      id: 'multi_hop.instance_wise',
      title: 'Instance-wise accuracy',
      definition: 'Whether all facts of the chain, edited or not, are recalled when asked about alone.',
      source: mquake,
    },
    {
      ...fraction,
      id: 'multi_hop.accuracy',
      title: 'Multi-hop accuracy',
      definition: 'Whether at least one wording of the multi-hop question is answered rightly.',
      source: mquake,
    },
  ],
});

const criteria: Readonly<Record<RippleCriterion, readonly [title: string, definition: string]>> = {
  logical_generalization: ['Logical generalization', 'relations that follow from the edited one, as its inverse'],
  compositionality_i: ['Compositionality I', "facts about the edit's new object, asked of its subject"],
  compositionality_ii: [
    'Compositionality II',
    "facts about the edit's subject, asked of another subject that leads to it",
  ],
  subject_aliasing: ['Subject aliasing', 'the edit, asked of the subject under another name'],
  forgetfulness: ['Preservation', 'other objects of the same subject and relation, where a relation has several'],
  relation_specificity: ['Relation specificity', 'the same subject under relations that the edit does not touch'],
};

const criterion = (name: RippleCriterion): MetricDefinition<never> => {
  const [title, what] = criteria[name];
  return {
    ...fraction,
    id: `ripple.${name}`,
    title,
    definition: `Fraction of tests passed: ${what}.`,
    source: 'Cohen et al. 2024 (RippleEdits), section 3',
  };
};

export const ripples = family({
  title: 'Ripple effects',
  about:
    'A test counts only where the model answered all its condition queries rightly BEFORE the edit; it is passed where all, or ' +
    'any, of its queries are answered rightly afterwards, as the test says. A query is right where every one of its answers ' +
    'occurs, in any spelling, as words of the text that free greedy generation goes on with. A case none of whose tests count ' +
    'has no row; the number of tests behind a value is its count. The code of the paper also finds answers inside the prompt ' +
    'and inside words, and averages only over edits that succeeded.',
  metrics: rippleCriteria.map(criterion),
});
