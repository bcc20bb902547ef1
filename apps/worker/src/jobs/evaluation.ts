// Evaluation: shards put their cases to two versions, block by block; when the last has ended, what they found is merged.
import {
  blocksOf,
  ErrataError,
  failedCase,
  isErrorCode,
  isTerminal,
  mergeCases,
  type PlacedCase,
  type SuiteSource,
  suiteSources,
} from '@errata/contracts';
import {
  commitEvaluation,
  commitShard,
  finishJob,
  openEvaluationWork,
  readCases,
  recordResults,
  type StoredCase,
  shardsOf,
} from '@errata/lineage';
import { z } from 'zod';
import type { JobRun } from '../job-run.ts';
import { modelReference } from '../models.ts';
import { judgeEvaluation } from './evaluation-gate.ts';
import { readInput } from './input.ts';

const rangeSchema = z.object({ from: z.int(), to: z.int() });
const inputSchema = z.object({
  active_edits: z.int(),
  against: z.enum(['parent', 'base', 'version']),
  suite: z.object({ source: z.enum(suiteSources), name: z.string().nullable() }),
});

const placed = ({ result: _, ...placed }: StoredCase): PlacedCase => placed;

/** Works one shard. Each block is kept as it is found, so that whoever takes over a shard asks nothing twice but a block. */
export async function evaluateShard(run: JobRun): Promise<void> {
  const range = readInput(rangeSchema, run.job);
  const { lineage } = run.context;
  const { evaluationId, model, version, against } = await openEvaluationWork(lineage, run.job);
  await run.move('evaluating');
  for (const block of blocksOf(range)) {
    const cases = await readCases(lineage, evaluationId, block);
    if (cases.every(({ result }) => result !== null)) continue;
    const { results } = await run.call(
      'evaluateCases',
      { model: modelReference(model), against, version, cases: cases.map(placed) },
      'evaluate',
    );
    await recordResults(lineage, run.lease, { job: run.job, results });
  }
  await run.move('committing');
  await commitShard(lineage, run.lease, run.job.id);
  run.ended('succeeded');
}

/** Merges what the shards found. Cases whose shard did not get to them are reported as failed, with what ended it. */
export async function mergeEvaluation(run: JobRun): Promise<void> {
  const { lineage } = run.context;
  const { evaluationId, branch, model, version, against } = await openEvaluationWork(lineage, run.job);
  const shards = await shardsOf(lineage, evaluationId);
  const open = shards.find(({ state }) => !isTerminal(state));
  if (open !== undefined) throw new ErrataError('internal', `${evaluationId} was sent on although ${open.id} goes on`);
  const cases = await readCases(lineage, evaluationId);
  const unasked = cases.flatMap((stored) => {
    if (stored.result !== null) return [];
    const shard = shards.find(({ from, to }) => from <= stored.position && stored.position < to);
    const error = shard?.error ?? { code: 'internal', message: `no shard asked this case: ${shard?.state ?? 'none'}` };
    return [failedCase(placed(stored), error)];
  });
  const late = new Map(unasked.map((result) => [result.position, result]));
  const results = cases.flatMap(({ position, result }) => result ?? late.get(position) ?? []);
  const { active_edits, suite, against: compared } = readInput(inputSchema, run.job);
  const merged = mergeCases(results, active_edits);
  if (merged.measured === 0) {
    const { code, message } = results[0]!.error!;
    const error = {
      code: isErrorCode(code) ? code : 'internal',
      message: `none of the ${results.length} cases could be asked; the first: ${message}`,
      errors: [],
      details: { cases: results.length },
    } as const;
    await finishJob(lineage, run.lease, { jobId: run.job.id, from: run.state(), to: 'failed', error });
    return run.ended('failed');
  }
  await run.move('evaluating');
  const seconds = shards.reduce((sum, shard) => sum + shard.seconds, 0);
  const about = {
    model: model.resource.name,
    branch,
    against: compared,
    suite: suiteInWords[suite.source](suite.name),
  };
  const { summary, outcome, report } = await run.call(
    'concludeEvaluation',
    { model: modelReference(model), against, version, merged, results, active_edits, seconds, about },
    'measure',
  );
  const verdict = await judgeEvaluation(run, { model, version }, results, outcome);
  await run.move('committing');
  const end = merged.failed > 0 ? 'completed_with_errors' : 'succeeded';
  const ending = { jobId: run.job.id, outcome: end, summary, result: outcome, report, unasked, verdict } as const;
  const lane = await commitEvaluation(lineage, run.lease, ending);
  run.ended(end);
  if (lane !== null) await run.context.dispatch.wake(lane);
}

const suiteInWords: Readonly<Record<SuiteSource, (name: string | null) => string>> = {
  edits: () => 'edits that were given',
  probes: () => 'probes that were given',
  applied: () => 'the edits that are active in it',
  difference: () => 'the edits by which the two differ',
  stored: (name) => `suite ${name}`,
};
