// The catalogue's metrics of probability: CounterFact as ROME reports it, and perplexity.
import { family, type MetricDefinition } from './definition.ts';

const rome = 'Meng et al. 2022 (ROME), section 3.3, as its code computes it';

const pair = <Stem extends string>(
  stem: Stem,
  title: string,
  letter: string,
  prompts: string,
  [wanted, unwanted]: readonly [string, string],
  { version, source } = { version: 1, source: rome },
): MetricDefinition<`${Stem}.${'score' | 'magnitude'}`>[] => [
  {
    id: `${stem}.score`,
    version,
    title: `${title} score (${letter}S)`,
    unit: 'fraction',
    better: 'higher',
    level: 'case',
    definition: `On ${prompts}: 1 where the ${wanted} answer is likelier than the ${unwanted} one, 0 where it is not, 1/2 in a tie.`,
    source,
    gate: { as: 'level', of: 'edits', names: [`${stem}.score`] },
  },
  {
    id: `${stem}.magnitude`,
    version,
    title: `${title} magnitude (${letter}M)`,
    unit: 'probability difference',
    better: 'higher',
    level: 'case',
    definition: `On ${prompts}: p(${wanted}) - p(${unwanted}).`,
    source,
    gate: { as: 'level', of: 'edits', names: [`${stem}.magnitude`] },
  },
];

export const probabilities = family({
  title: 'Probabilities of new and true answer',
  about:
    'p(answer) is exp of the mean log-probability of its tokens after the prompt, so that length does not count against it. ' +
    'The mean over the prompts of a case. A model that tells nothing apart is at 1/2, so these scores alone do not show a ' +
    'destroyed model: read them beside accuracy and entropy. The code of ROME counts a tie as a loss.',
  metrics: [
    ...pair('efficacy', 'Efficacy', 'E', "the edit's prompt", ['new', 'true']),
    ...pair('paraphrase', 'Paraphrase', 'P', 'its rephrases', ['new', 'true']),
    ...pair(
      'neighbourhood',
      'Neighbourhood',
      'N',
      "its neighbourhood probes, whatever their own answers, but for those whose own answer is the edit's new one",
      ['true', 'new'],
      { version: 2, source: `${rome} (version 1 took a probe's own answer for the true one, and left none out)` },
    ),
    ...pair(
      'neighbourhood_own',
      'Neighbourhood by own answers:',
      'N',
      'the same probes, in cases where one of them has an answer other than the true one (a probe without any counts with the true one)',
      ['own', 'new'],
      { version: 1, source: "as `neighbourhood.*`, for data whose neighbours do not share the edit's true answer" },
    ),
    {
      id: 'neighbourhood.skipped',
      version: 1,
      title: 'Neighbourhood probes skipped',
      unit: 'probes',
      better: 'lower',
      level: 'case',
      definition:
        "Neighbourhood probes of a case whose own answer is the edit's new one, where an edit that reaches too far cannot be told from " +
        'a right answer: they are left out of `neighbourhood.*` and `neighbourhood_own.*`. Cases without such probes have no figure.',
      source: 'this catalogue',
    },
    {
      id: 'rome_score',
      version: 2,
      title: 'Score (S)',
      unit: 'fraction',
      better: 'higher',
      level: 'run',
      definition:
        'Harmonic mean of the means of `efficacy.score`, `paraphrase.score` and `neighbourhood.score` (in version 1 its version 1).',
      source: rome,
    },
  ],
});

export const text = family({
  title: 'Text',
  about:
    'Generated text is a prompt with its continuation, 100 tokens together, sampled among the 5 likeliest tokens with a ' +
    'seed of its own for each prompt.',
  metrics: [
    {
      id: 'perplexity',
      version: 1,
      title: 'Perplexity',
      unit: 'perplexity',
      better: 'lower',
      level: 'case',
      definition:
        "exp of the mean negative log-probability of a held text's tokens, the first left out, in windows of the context's length.",
      source: 'Jelinek et al. 1977',
      gate: { as: 'level', of: 'version', names: ['perplexity'] },
    },
    {
      id: 'essence.perplexity',
      version: 1,
      title: 'Essence drift',
      unit: 'perplexity',
      better: 'lower',
      level: 'case',
      definition:
        'Perplexity of a text about the subject, its first 100 tokens; the drift is the difference to the parent. The code ' +
        'of ROME divides by all tokens, one more than are predicted.',
      source: 'Meng et al. 2022 (ROME), appendix, as its code computes it',
    },
    {
      id: 'ngram_entropy',
      version: 2,
      title: 'n-gram entropy (GE, fluency)',
      unit: 'bits',
      better: 'higher',
      level: 'case',
      definition:
        '(2/3 H2 + 4/3 H3) / 2 with Hn the entropy of the n-grams of Treebank words of a generated text; the mean over the ' +
        'generated texts of a case. A text is a prompt and its continuation, 100 tokens together, sampled among the five ' +
        'likeliest and not ended early (version 1 ended it where the model did); a case without prompts of its own begins ' +
        'with wordings of its edit. Papers print it times 100. Sentences are told apart by a rule, not by a trained model.',
      source: 'Zhang et al. 2018; weights and sampling as the code of Meng et al. 2022 (ROME)',
      gate: { as: 'level', of: 'version', names: ['ngram_entropy'] },
    },
    {
      id: 'reference_score',
      version: 2,
      title: 'Reference score (RS, consistency)',
      unit: 'fraction',
      better: 'higher',
      level: 'case',
      definition:
        'tf-idf cosine of the generated texts of a case (those of n-gram entropy), joined, and reference texts about subjects of which the new target is ' +
        'true, joined. Document frequencies are of the reference texts of all records of the run; ROME takes them from Wikipedia snippets.',
      source: 'Meng et al. 2022 (ROME), section 3.3; vectors as scikit-learn makes them by default',
    },
  ],
});
