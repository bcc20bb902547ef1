// Evaluation: shards put their cases to two versions, block by block; when the last has ended, what they found is merged.
import {
  type CaseRange,
  type CaseResult,
  ErrataError,
  evaluatedEditorSchema,
  failedCase,
  isErrorCode,
  isTerminal,
  type MergedCases,
  mergeCases,
  type PlacedCase,
  planProtocol,
  type SuiteCase,
  type SuiteSource,
  suiteSources,
  type VersionSource,
  versionId,
  walkProtocol,
} from '@errata/contracts';
import { requireEditor, resolveConfig } from '@errata/editors/catalogue';
import type { EngineMethods } from '@errata/engine';
import {
  commitEvaluation,
  commitShard,
  costOf,
  type EvaluationWork,
  finishJob,
  openEvaluationWork,
  readCases,
  recordResults,
  referenceTexts,
  type StoredCase,
  shardsOf,
} from '@errata/lineage';
import { z } from 'zod';
import type { JobRun } from '../attempts/job-run.ts';
import { modelDefaults, modelReference, modelShape } from '../models.ts';
import { judgeEvaluation } from './evaluation-gate.ts';
import { besideTexts, followProtocol, openUnits } from './evaluation-protocol.ts';
import { readInput } from './input.ts';

const rangeSchema = z.object({ from: z.int(), to: z.int() });
const inputSchema = z.object({
  cases: z.int(),
  editor: evaluatedEditorSchema.nullable().default(null),
  against: z.enum(['parent', 'base', 'version']),
  suite: z.object({ source: z.enum(suiteSources), name: z.string().nullable(), digest: z.string() }),
});

/** A case without what it found. */
const placed = ({ result: _, ...placed }: StoredCase): PlacedCase => placed;

/** Works one shard. Each block is kept as it is found, so that whoever takes over a shard asks nothing twice but a block. */
export async function evaluateShard(run: JobRun): Promise<void> {
  const range = readInput(rangeSchema, run.job);
  const { lineage } = run.context;
  const work = await openEvaluationWork(lineage, run.job);
  if (work.editor === null) await askRange(run, work, range);
  else await followProtocol(run, work, work.editor, range);
  for (const opened of [work.version, work.against]) run.context.snapshots.opened(work.model, opened);
  await run.move('committing');
  await commitShard(lineage, run.lease, run.job.id);
  run.ended('succeeded');
}

async function askRange(run: JobRun, work: EvaluationWork, range: CaseRange): Promise<void> {
  const { lineage } = run.context;
  const { evaluationId, version, against } = work;
  const model = modelReference(work.model);
  await run.move('evaluating');
  const references = await referenceTexts(lineage, evaluationId);
  const units = planProtocol(null, range.to).filter(({ from }) => from >= range.from);
  await walkProtocol<PlacedCase, VersionSource>(null, units, {
    open: (some) => openUnits(run, evaluationId, some),
    from: () => version,
    // Its edits are in it already.
    make: async (_, current) => current,
    ask: async ({ cases }, current) => {
      const asking = { model, against, version: current, cases, ...besideTexts(cases, references) };
      const asked = await run.call('evaluateCases', asking, 'evaluate');
      await recordResults(lineage, run.lease, { job: run.job, ...asked });
    },
  });
}

/** Merges what the shards found. Cases whose shard did not get to them are reported as failed, with what ended it. */
export async function mergeEvaluation(run: JobRun): Promise<void> {
  const { lineage } = run.context;
  const work = await openEvaluationWork(lineage, run.job);
  const { evaluationId, model, version } = work;
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
  const merged = mergeCases(results);
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
  const { summary, outcome, report } = await conclude(run, work, cases, results, merged);
  const verdict = await judgeEvaluation(run, { model, version }, results);
  await run.move('committing');
  const end = merged.failed > 0 ? 'completed_with_errors' : 'succeeded';
  const ending = { jobId: run.job.id, outcome: end, summary, result: outcome, report, unasked, verdict } as const;
  const lane = await commitEvaluation(lineage, run.lease, ending);
  run.ended(end);
  if (lane !== null) await run.context.dispatch.wake(lane);
}

async function conclude(
  run: JobRun,
  { evaluationId, branch, model, version, against }: EvaluationWork,
  stored: readonly StoredCase[],
  results: readonly CaseResult[],
  merged: MergedCases,
): Promise<EngineMethods['concludeEvaluation']['result']> {
  const { cases, editor, suite, against: compared } = readInput(inputSchema, run.job);
  const { lineage, blobs } = run.context;
  const { name } = model.resource;
  const found = { merged, results, cost: await costOf(lineage, evaluationId) };
  const inWords = suiteInWords[suite.source](suite.name);
  if (editor === null) {
    const allEdits = suite.source === 'applied';
    const about = { model: name, branch, against: compared, suite: inWords, allEdits };
    return run.call(
      'concludeEvaluation',
      { model: modelReference(model), against, version, ...found, about },
      'measure',
    );
  }
  const defaults = await modelDefaults(blobs, model);
  const config = { ...resolveConfig(requireEditor(editor.name), modelShape(model), defaults, editor.config) };
  const about = { model: name, version: versionId(version), suite: inWords, suite_digest: suite.digest, cases };
  const asked = { ...found, editor: { ...editor, config }, watched: watchedOf(stored), about };
  return run.call('concludeProtocol', { model: modelReference(model), ...asked }, 'measure');
}

/** What was asked at the end of a stream beside its edits. */
const watchedOf = (stored: readonly StoredCase[]): readonly SuiteCase[] =>
  stored.flatMap(({ item, moment }) => (item.kind !== 'edit' && moment === 'end' ? [item] : []));

const suiteInWords: Readonly<Record<SuiteSource, (name: string | null) => string>> = {
  edits: () => 'edits that were given',
  probes: () => 'probes that were given',
  applied: () => 'the edits that are active in it',
  difference: () => 'the edits by which the two differ',
  stored: (name) => `suite ${name}`,
};
