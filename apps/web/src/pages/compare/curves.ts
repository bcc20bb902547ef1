// An evaluation as the charts of reports draw runs: what was found at each place of its protocol.
import type { EvaluationResource } from '@errata/contracts';
import type { CurvedRun } from '@errata/evaluation/charts';
import { nameOf } from './name.ts';

/** @param number tells two of one name apart */
export function curvedEvaluation(evaluation: EvaluationResource, number: number): CurvedRun {
  const places = (evaluation.outcome?.places ?? []).filter(({ moment }) => moment !== 'once');
  return {
    name: `${number} ${evaluation.editor?.name ?? nameOf(evaluation)}`,
    metrics: [...new Set(places.flatMap(({ metrics }) => Object.keys(metrics)))],
    points: (metric) =>
      places.flatMap(({ edits, metrics: { [metric]: found } }) =>
        found === undefined ? [] : [{ x: edits, y: found.value, ...found.interval }],
      ),
    before: (metric) => places.at(-1)?.metrics[metric]?.before?.value ?? undefined,
  };
}
