// A later evaluation held against the gate of its branch: what the cases found, and what the policy looks at besides.
import { type CaseResult, type GateVerdict, judge, measurementsOfCases } from '@errata/contracts';
import { type EvaluationWork, openEvaluationGate } from '@errata/lineage';
import type { JobRun } from '../attempts/job-run.ts';
import { modelReference } from '../models.ts';

/** Null for an evaluation that did not ask for it. */
export async function judgeEvaluation(
  run: JobRun,
  { model, version }: Pick<EvaluationWork, 'model' | 'version'>,
  results: readonly CaseResult[],
): Promise<GateVerdict | null> {
  const gate = await openEvaluationGate(run.context.lineage, run.job);
  if (gate === null) return null;
  const { gate: policy, policy_revision } = gate.branch;
  // Without edits: what no case is needed for. Weights, held text, canaries, generated text.
  const { measured } = await run.call(
    'evaluateCandidate',
    {
      model: modelReference(model),
      parent: gate.parent,
      candidate: version,
      edits: [],
      gate: { policy, base: gate.base },
    },
    'gate',
  );
  const cases = measurementsOfCases(results, gate.against);
  const verdict = judge(policy, { ...measured, ...cases, values: { ...measured.values, ...cases.values } });
  return { ...verdict, policy_revision };
}
