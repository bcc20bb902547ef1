// The catalogue's metrics of general ability: every score of every task.
import { family, type MetricDefinition } from './definition.ts';
import { type AbilityScore, type AbilityTaskId, abilityTaskFacts } from './kinds.ts';

const scores: Readonly<Record<AbilityScore, readonly [title: string, definition: string, source?: string]>> = {
  likelihood: ['whole option', 'the right option is the likeliest, by the sum over its tokens'],
  likelihood_per_token: ['whole option, a token', 'the right option is the likeliest, by the mean over its tokens'],
  likelihood_per_character: [
    'whole option, a character',
    'the right option is the likeliest, by the sum over its tokens divided by its characters',
    'Gao et al. 2021 (evaluation harness), acc_norm',
  ],
  first_token: [
    'first token',
    'the first token of the right option is the likeliest among first tokens of options',
    'Chen et al. 2024 (RECIPE), by its code',
  ],
  exact_match: [
    'exact match',
    'the greedy answer equals a right one, normalised',
    'Rajpurkar et al. 2018, evaluation script',
  ],
  f1: [
    'F1',
    'best F1 of the words of the greedy answer and of a right one, normalised',
    'Rajpurkar et al. 2018, evaluation script',
  ],
  inverse_perplexity: [
    'inverse perplexity',
    '1 over the perplexity of the first right answer behind the prompt',
    'Chen et al. 2024 (RECIPE), by its code',
  ],
};

const tasks: Readonly<Record<AbilityTaskId, readonly [title: string, about: string, source: string]>> = {
  csqa: ['CommonsenseQA', 'questions of common sense with five options', 'Talmor et al. 2019 (CommonsenseQA)'],
  csqa_letters: [
    'CommonsenseQA by letter',
    'the same with the options listed, a letter being the answer',
    'Talmor et al. 2019 (CommonsenseQA)',
  ],
  mmlu: ['MMLU', 'examination questions with four options', 'Hendrycks et al. 2021 (MMLU)'],
  mmlu_letters: [
    'MMLU by letter',
    'the same with the options listed, a letter being the answer',
    'Hendrycks et al. 2021 (MMLU)',
  ],
  anli: ['ANLI', 'whether a claim is true, false or neither by a premise', 'Nie et al. 2020 (ANLI)'],
  squad_v2: [
    'SQuAD 2.0',
    'questions about a passage, some of which it does not answer',
    'Rajpurkar et al. 2018 (SQuAD 2.0)',
  ],
  atlas_choice: ['Atlas, multiple choice', 'a fact of the shipped model among four objects of its relation', 'Errata'],
  atlas_entailment: ['Atlas, entailment', 'which of a statement and its opposite follows from a new fact', 'Errata'],
  atlas_reading: ['Atlas, reading', 'a new fact read off a passage', 'Errata'],
};

const metricsOf = (id: AbilityTaskId): MetricDefinition<never>[] => {
  const [title, about, taskSource] = tasks[id];
  const { version, template, scores: own } = abilityTaskFacts[id];
  return own.map((score) => {
    const [reading, definition, source] = scores[score];
    return {
      id: `ability.${id}.${score}`,
      version,
      title: `${title}, ${reading}`,
      unit: 'fraction',
      better: 'higher',
      level: 'case',
      definition: `Of ${about} (template ${template}): ${definition}.`,
      source: [taskSource, ...(source === undefined ? [] : [source])].join('; '),
    };
  });
};

export const abilities = family({
  title: 'General ability',
  about:
    'What a model can still do beside the edits, an item a case. Where k options share the first place the right one ' +
    'among them earns 1/k. Items that do not fit the context are not cut but left out and counted. Tasks, templates and ' +
    'levels of chance are in general-ability.md.',
  metrics: (Object.keys(abilityTaskFacts) as AbilityTaskId[]).flatMap(metricsOf),
});
