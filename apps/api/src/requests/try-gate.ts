// A gate held against batches that were judged by another.
import {
  type GatePolicy,
  type GateTest,
  judge,
  looksAtEach,
  rememberedMeasurements,
  unansweredRules,
} from '@errata/contracts';
import { editsOfJob, type JudgedBatch, judgedBatches, type Lineage } from '@errata/lineage';

/** Edits of a batch that are looked at one by one. Of a larger one only the batch as a whole is. */
const mostEdits = 1000;

/** What the gate would have made of the latest batches of a branch, by what was measured of them then. */
export async function tryGate(
  lineage: Lineage,
  branchId: string,
  gate: GatePolicy,
  count: number,
): Promise<GateTest['jobs']> {
  const tried: GateTest['jobs'] = [];
  for (const batch of await judgedBatches(lineage, branchId, count)) {
    const { job, gate: then } = batch;
    const results = await resultsOf(lineage, gate, batch);
    const verdict = judge(gate, rememberedMeasurements(gate, { ...batch, results }));
    tried.push({
      job_id: job.id,
      state: job.state,
      edits: batch.summary.edits,
      created_at: job.created_at,
      version_id: job.version_id,
      passed: then.passed,
      verdict,
      unanswered: [...unansweredRules(verdict, then)],
    });
  }
  return tried;
}

async function resultsOf(lineage: Lineage, gate: GatePolicy, { job, summary }: JudgedBatch) {
  if (!looksAtEach(gate) || summary.edits > mostEdits) return [];
  const edits = await editsOfJob(lineage, job.id);
  return edits.flatMap(({ result }) => (result === null ? [] : [result]));
}
