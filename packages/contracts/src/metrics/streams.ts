// The catalogue's metrics of a stream of edits: what holds at once, what is kept.
import { family, type MetricDefinition, type ReadingKind, readings, readingTitles } from './definition.ts';

const patcher = 'Huang et al. 2023 (Transformer-Patcher)';
const grace = 'Hartvigsen et al. 2023 (GRACE)';

interface StreamMetric {
  readonly id: string;
  readonly title: string;
  readonly unit?: 'ratio';
  readonly definition: (reading: ReadingKind) => string;
  readonly source: string;
}

const stream: readonly StreamMetric[] = [
  {
    id: 'success',
    title: 'Success rate (SR)',
    definition: (reading) => `Mean of \`reliability.${reading}\`, each edit tested right after it was made.`,
    source: patcher,
  },
  {
    id: 'generalization',
    title: 'Generalization rate (GR)',
    definition: (reading) => `Mean of \`generalization.${reading}\`, each edit tested right after it was made.`,
    source: patcher,
  },
  {
    id: 'retention',
    title: 'Edit retention (ER, ERR)',
    definition: (reading) => `Mean of \`reliability.${reading}\` of all edits, tested after the last.`,
    source: `${patcher}; ${grace}`,
  },
  {
    id: 'test_retention',
    title: 'Test retention (TRR)',
    definition: (reading) => `Mean of \`accuracy.${reading}\` after the last edit.`,
    source: grace,
  },
  {
    id: 'test_ratio',
    title: 'Test performance kept (TestR, TrainR)',
    unit: 'ratio',
    definition: (reading) =>
      `Mean of \`accuracy.${reading}\` after the last edit over its mean before the first. TestR on a test set, TrainR on a sample of training data.`,
    source: patcher,
  },
  {
    id: 'accurate_retention',
    title: 'Accurate retention (ARR)',
    definition: (reading) =>
      `Mean of \`accuracy.${reading}\` after the last edit over the questions that were answered rightly before the first. GRACE gives the perplexity of texts that were accurate.`,
    source: grace,
  },
];

const definitions: readonly MetricDefinition<never>[] = stream.flatMap(({ id, title, unit, definition, source }) =>
  readings.map(
    (reading): MetricDefinition<never> => ({
      id: `stream.${id}.${reading}`,
      version: 1,
      title: `${title}, ${readingTitles[reading]}`,
      unit: unit ?? 'fraction',
      better: 'higher',
      level: 'run',
      definition: definition(reading),
      source,
    }),
  ),
);

export const streams = family({
  title: 'Streams of edits',
  about:
    'Computed from the rows of a run in which edits are made one after another. Testing each edit only at once hides ' +
    'forgetting; testing all at the end shows it. Numbers of different protocols are not comparable.',
  metrics: definitions,
});
