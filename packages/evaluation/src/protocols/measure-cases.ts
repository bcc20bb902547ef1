// Measuring some cases of a version, against its parent and the base: everything that is asked about them, as rows.
import { type EvaluationResults, type Moment, mergeResults } from '@errata/contracts';
import { type EditOutcome, withOutcome } from '@errata/editors';
import type { View } from '@errata/models';
import type { AnswerCache } from '../asking/answers.ts';
import { evaluateCandidate, evaluationResults } from '../cases/evaluate-candidate.ts';
import type { DatasetCase } from '../datasets/cases.ts';
import { measureProbes } from '../probes/measure-probes.ts';
import { editsOf, type Meter, type Work } from './work.ts';

/** When in a protocol something is measured, and how many edits are in the model then. */
export interface Place {
  readonly moment: Moment;
  readonly edits: number;
}

/** The version that is measured, and the one that its edits were made on. */
export interface Measured {
  readonly parent: View;
  readonly candidate: View;
  /** Given where the parent is another: agreement with it is measured too. */
  readonly base?: View;
  /** Texts that the candidate has written already. */
  readonly written?: AnswerCache<readonly string[]>;
  /** What became of the edits of the cases: those that could not be made are asked about all the same, of the version without them. */
  readonly outcomes?: readonly EditOutcome[];
}

export async function measureCases(
  { input, base: imported, baseAnswers, baseTexts, tfidf, writers }: Work,
  { parent, candidate, base, written, outcomes = [] }: Measured,
  cases: readonly DatasetCase[],
  place: Place,
  meter: Meter,
): Promise<EvaluationResults> {
  const edits = editsOf(cases);
  const shared = { parent, candidate, tokenizer: input.tokenizer };
  // What is known of the imported model serves whether it is the parent or is compared with beside one.
  const known = {
    ...(parent === imported && { cache: baseAnswers }),
    ...(base !== undefined && { base, baseCache: baseAnswers }),
  };
  // Right after each of many edits it would be asked of every version on the way.
  const writes = (each: DatasetCase) =>
    writers.has(each) && !(input.protocol.kind === 'lifelong' && place.moment === 'once');
  return meter.time('answer_seconds', async () => {
    const found = await evaluateCandidate({ ...shared, edits, rivals: true, ...known }, meter.asking);
    const { rows, cases: described } = evaluationResults(edits, found, place);
    const withOutcomes = described.map((each, position) => withOutcome(each, outcomes[position]));
    const probes = await measureProbes(
      {
        ...shared,
        cases,
        seed: input.seed,
        tfidf,
        writes,
        ...(parent === imported && { cache: baseTexts }),
        ...(written && { written }),
      },
      place,
      meter.asking,
    );
    return mergeResults([{ rows, cases: withOutcomes }, probes]);
  });
}
