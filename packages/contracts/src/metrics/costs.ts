// The catalogue's metrics of cost.
import { family, type MetricDefinition, type MetricUnit } from './definition.ts';

const cost = (id: string, title: string, unit: MetricUnit, definition: string): MetricDefinition<never> => ({
  id: `cost.${id}`,
  version: 1,
  title,
  unit,
  better: 'lower',
  level: 'run',
  definition,
  source: 'Errata; papers give time and memory without saying what they count',
});

export const costs = family({
  title: 'Cost',
  about: 'Measured on the machine at hand: they differ from run to run and take no part in digests.',
  metrics: [
    cost('edit_seconds', 'Time an edit', 'seconds', 'Wall time of editing over the number of edits made.'),
    cost('answer_seconds', 'Time an answer', 'seconds', 'Wall time of asking over the number of answers.'),
    cost('answer_tokens', 'Tokens an answer', 'tokens', 'Tokens read and generated over the number of answers.'),
    cost('peak_memory', 'Peak memory', 'bytes', 'Largest resident memory of the process that held the model.'),
    cost(
      'stored_bytes',
      'Bytes an edit',
      'bytes',
      'Bytes of the deltas that edits left over the number of edits made.',
    ),
    {
      id: 'delta_norm',
      version: 1,
      title: 'Relative change',
      unit: 'ratio',
      better: 'lower',
      level: 'run',
      definition: "Largest ||W' - W||_F / ||W||_F of any matrix, W of the parent.",
      source: 'Gupta et al. 2024 (r-ROME), where outliers of it disable a model',
      gate: { as: 'comparison', of: 'version', names: ['delta_norm'] },
    },
  ],
});
