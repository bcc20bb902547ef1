// Rollback: back to an earlier version, or on without some edits, by replaying what came after them or by dropping their deltas.
import {
  artefactUseSchema,
  type EvaluationSummary,
  type GatePolicy,
  type GateVerdict,
  type PlainError,
  rollbackModes,
  toPlainError,
  versionId,
} from '@errata/contracts';
import { artefactNeeds } from '@errata/editors/catalogue';
import { failpoint } from '@errata/failpoints';
import {
  type BranchWork,
  editsById,
  finishJob,
  type Ground,
  hasBeenAt,
  openBranchWork,
  planRollback,
  type ReplayStep,
  type RollbackPlan,
  type RollbackTarget,
  readChain,
  type StoredModel,
} from '@errata/lineage';
import { z } from 'zod';
import type { JobRun } from '../attempts/job-run.ts';
import { artefactsFor } from '../candidates/artefacts.ts';
import {
  evaluate,
  failuresOf,
  gateOf,
  isUnchanged,
  judgeCandidate,
  type Request,
  solve,
} from '../candidates/candidate.ts';
import { commitApproved, conclude, requireNoRefusal } from '../candidates/conclude.ts';
import { modelDefaults, modelReference, modelShape } from '../models.ts';
import { editInputSchema } from './edit.ts';
import { readInput } from './input.ts';

const ids = z.array(z.string()).optional();
const inputSchema = z.object({
  mode: z.enum(rollbackModes),
  to_version: z.string().optional(),
  revert_edit_ids: ids,
  revert_version_ids: ids,
  reason: z.string(),
});

/** What a rollback arrived at, before it is committed. */
interface Outcome {
  readonly ground: Ground;
  readonly summary: EvaluationSummary | null;
  readonly gate: GateVerdict | null;
  /** Set when the gate refuses. */
  readonly refusal: PlainError | null;
  readonly withErrors: boolean;
  readonly result: Readonly<Record<string, unknown>>;
}

export async function rollBack(run: JobRun): Promise<void> {
  const { reason, ...target } = readInput(inputSchema, run.job);
  const { lineage } = run.context;
  const work = await openBranchWork(lineage, run.job);
  requireNoRefusal(run, work.branch, target.mode);
  await failpoint('rollback.before');
  if (await commitApproved(run, work)) return;
  const plan = await planRollback(lineage, work.branch.id, target satisfies RollbackTarget);
  await failpoint('rollback.after_plan');
  const outcome = await carryOut(run, work, plan);
  const { ground, summary, gate, refusal, result } = outcome;
  if (refusal !== null) {
    const from = run.state();
    await finishJob(lineage, run.lease, {
      jobId: run.job.id,
      from,
      to: 'gated_out',
      error: refusal,
      summary,
      gate,
      result,
    });
    return run.ended('gated_out');
  }
  await failpoint('rollback.before_conclude');
  await conclude(run, work.branch, {
    parent: work.parent.version,
    kind: plan.mode,
    ground,
    outcome: outcome.withErrors ? 'completed_with_errors' : 'succeeded',
    summary,
    gate,
    editResults: [],
    result,
    reason,
  });
}

function carryOut(run: JobRun, work: BranchWork, plan: RollbackPlan): Promise<Outcome> | Outcome {
  switch (plan.mode) {
    case 'reset':
      return asItWas(plan.ground, { version: plan.version });
    case 'subtract':
      return subtract(run, work, plan);
    case 'exact':
      return replay(run, work, plan);
  }
}

/** A state that the branch has been in, or began in: it has passed its gates already. */
const asItWas = (ground: Ground, result: Outcome['result']): Outcome => ({
  ground,
  summary: null,
  gate: null,
  refusal: null,
  withErrors: false,
  result,
});

/** Drops deltas although others were computed with them in place. */
async function subtract(
  run: JobRun,
  work: BranchWork,
  { ground, reverted }: Extract<RollbackPlan, { mode: 'subtract' }>,
): Promise<Outcome> {
  if (await wasThere(run, work, ground)) return asItWas(ground, { reverted });
  return measureWhatStays(run, work, ground, { reverted, approximate: true });
}

const wasThere = (run: JobRun, { branch }: BranchWork, { source }: Ground): Promise<boolean> =>
  hasBeenAt(run.context.lineage, branch.id, versionId(source));

/** Edits that are measured after a revert at most. Their number is that of everything active, not that of a batch. */
const measuredEdits = 500;

/**
 * What remains after a revert, where nobody has seen it, must still hold: the edits that stay are measured against the present head,
 * and the branch's gate decides.
 */
async function measureWhatStays(
  run: JobRun,
  work: BranchWork,
  ground: Ground,
  result: Outcome['result'],
): Promise<Outcome> {
  const { model, parent } = work;
  const gate = gateOf(work, null);
  const active = [...(await readChain(run.context.lineage, ground.after)), ...ground.added];
  const kept = [...new Set(active.flatMap(({ edit_ids }) => edit_ids))];
  const chosen = everyNth(kept, measuredEdits);
  const stored = await editsById(run.context.lineage, chosen);
  const edits = chosen.flatMap((id) => stored.get(id)?.edit ?? []);
  await run.move('evaluating');
  const evaluation = await run.call(
    'evaluateCandidate',
    {
      model: modelReference(model),
      parent: parent.ground.source,
      candidate: ground.source,
      edits,
      gate: { policy: gate.policy, base: gate.base },
    },
    'evaluate',
  );
  const { verdict, refusal } = judgeCandidate(gate, evaluation);
  return {
    ground,
    summary: evaluation.summary,
    gate: verdict,
    refusal: refusal === null ? null : toPlainError(refusal),
    withErrors: false,
    result: { ...result, measured: { edits: edits.length, of: kept.length } },
  };
}

function everyNth(items: readonly string[], most: number): readonly string[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, index) => items[Math.floor((index * items.length) / most)]!);
}

/**
 * Applies the later requests again, each with its editor, settings and seed, as if the reverted edits had never been asked for. Each
 * is measured and judged as its own job was: against the version it is built upon.
 */
async function replay(
  run: JobRun,
  work: BranchWork,
  { base, steps, reverted }: Extract<RollbackPlan, { mode: 'exact' }>,
): Promise<Outcome> {
  const { model } = work;
  let ground = base;
  const replayed: Record<string, unknown>[] = [];
  // Edits that were made to mend what is taken back: without it the model holds them by itself.
  const already_holds: string[] = [];
  let last: Pick<Outcome, 'summary' | 'gate'> = { summary: null, gate: null };
  let withErrors = false;
  let changed = 0;
  for (const [index, step] of steps.entries()) {
    const place = steps.length === 1 ? '' : ` ${index + 1} of ${steps.length}`;
    const { request, own } = await requestOf(run, model, step);
    const gate = gateOf(work, own);
    const candidate = await solve(run, model, ground, request, `replay${place}`);
    const failed = failuresOf(candidate).length;
    const held = step.edits.filter((_, position) => candidate.outcomes[position]!.outcome === 'already_holds');
    const counts = { edits: step.edits.length, failed, already_holds: held.length };
    already_holds.push(...held.map(({ id }) => id));
    withErrors ||= failed > 0;
    if (isUnchanged(candidate)) {
      replayed.push({ job_id: step.job_id, ...counts, summary: null, gate: null });
      continue;
    }
    const evaluation = await evaluate(run, model, candidate, gate, `evaluate replay${place}`);
    const { verdict, refusal } = judgeCandidate(gate, evaluation);
    last = { summary: evaluation.summary, gate: verdict };
    changed++;
    replayed.push({ job_id: step.job_id, ...counts, ...last });
    ground = candidate.ground;
    await failpoint('rollback.after_step');
    if (refusal === null) continue;
    await run.move('evaluating');
    const result = { reverted, replayed, already_holds, refused_job: step.job_id };
    return { ground, ...last, refusal: toPlainError(refusal), withErrors, result };
  }
  const result = { reverted, replayed, already_holds };
  if (changed === 0) {
    const left = (await wasThere(run, work, base))
      ? asItWas(base, result)
      : await measureWhatStays(run, work, base, result);
    return { ...left, withErrors };
  }
  // One summary speaks for the whole only when one step changed anything.
  const whole = changed === 1 ? last : { summary: null, gate: last.gate };
  return { ground, ...whole, refusal: null, withErrors, result };
}

/** What an edit job left of its run (edit.ts), so that it can be done again to the bit. */
const recordSchema = z.object({
  config: z.record(z.string(), z.unknown()),
  artefacts: z.array(artefactUseSchema),
});

/** The request of an edit job, to be carried out again: with the settings and the artefacts of then. */
export async function requestOf(
  run: JobRun,
  model: StoredModel,
  { job_id, input, result, edits }: ReplayStep,
): Promise<{ readonly request: Request; readonly own: GatePolicy | null }> {
  const { editor, seed, on_error, gate: own } = readInput(editInputSchema, { id: job_id, input });
  const { config, artefacts: recorded } = recordSchema.parse(result);
  const defaults = await modelDefaults(run.context.blobs, model);
  const needs = artefactNeeds(editor, config, modelShape(model), seed);
  const artefacts = await artefactsFor(run, model, defaults, needs, recorded);
  return { request: { jobId: job_id, edits, editor, config, seed, on_error, artefacts }, own };
}
