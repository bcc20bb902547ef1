// Everything that cases of a data set ask beside what their edits ask, as rows.
import { type EvaluationResults, type EvaluationRow, mergeResults } from '@errata/contracts';
import { rowOf } from '../cases/measurements.ts';
import type { DatasetCase } from '../datasets/cases.ts';
import type { EvaluationOptions } from '../options.ts';
import { measureMultiHop } from './multi-hop.ts';
import type { CaseMeasurements } from './probing.ts';
import { measureRipples } from './ripples.ts';
import { measureTexts, type TextProbing } from './texts.ts';

export interface ProbesInput extends TextProbing {
  /** Whether texts are written for a case that has prompts for them: by far the dearest of the probes. Default yes. */
  readonly writes?: (each: DatasetCase) => boolean;
}

/**
 * Multi-hop questions, ripple effects and texts of the cases that have them. What could not be asked is reported as a failed case
 * named after the record and the probe.
 */
export async function measureProbes(
  { writes = () => true, ...input }: ProbesInput,
  place: Pick<EvaluationRow, 'moment' | 'edits'>,
  options: EvaluationOptions = {},
): Promise<EvaluationResults> {
  const found = {
    multi_hop: await measureMultiHop(input, options),
    ripple: await measureRipples(input, options),
    texts: await measureTexts({ ...input, cases: input.cases.filter(writes) }, options),
  };
  return mergeResults(Object.entries(found).map(([probe, cases]) => probeResults(probe, cases, place)));
}

/** Measurements at a place in a protocol; a case that could not be asked is named after the record and the probe. */
export const probeResults = (
  probe: string,
  found: readonly CaseMeasurements[],
  place: Pick<EvaluationRow, 'moment' | 'edits'>,
): EvaluationResults => ({
  cases: found.flatMap(({ case_id, error }) =>
    error === null
      ? []
      : [
          {
            ...place,
            case_id: `${case_id} ${probe}`,
            outcome: 'failed' as const,
            error,
            prompt: '',
            target: '',
            answer_before: null,
            answer_after: null,
          },
        ],
  ),
  rows: found.flatMap(({ case_id, measurements }) => measurements.map((each) => rowOf(each, { ...place, case_id }))),
});
