// What a batch becomes: one candidate that passes its gate, whole or without the edits that sifting it found to break it.
import {
  defaultBisectEvaluations,
  type EditResult,
  type ErrataError,
  type EvaluationSummary,
  type GateVerdict,
  isEditFault,
  reasonsOf,
} from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import type { Ground, StoredModel } from '@errata/lineage';
import type { JobRun } from '../attempts/job-run.ts';
import {
  type Candidate,
  evaluate,
  failuresOf,
  type Gate,
  isUnchanged,
  judgeCandidate,
  type Request,
  solve,
  unmeasured,
} from './candidate.ts';
import { type Refusal, siftBatch, type Trial } from './sift.ts';

/** What a batch came to, before it is committed. */
export interface BatchOutcome {
  /** Null when nothing passed; the parent's where nothing changed. */
  readonly ground: Ground | null;
  /** Why nothing did. */
  readonly refusal: ErrataError | null;
  /** One for each edit of the job, in input order. */
  readonly results: readonly EditResult[];
  readonly summary: EvaluationSummary;
  /** Null where there was nothing to judge. */
  readonly verdict: GateVerdict | null;
  /** The complete settings that were used. */
  readonly config: Candidate['config'];
  /** Whether edits failed or were refused. */
  readonly withErrors: boolean;
  /** How sifting the batch went, where its gate asked for that. */
  readonly sifting: { readonly trials: number; readonly refused: number } | null;
}

/** A part of the batch, solved and measured; or what solving it ended with. */
type Attempt =
  | {
      readonly candidate: Candidate;
      readonly results: readonly EditResult[];
      readonly summary: EvaluationSummary;
      readonly verdict: GateVerdict | null;
      readonly refusal: ErrataError | null;
    }
  | { readonly error: ErrataError };

type Measured = Exclude<Attempt, { error: ErrataError }>;

/**
 * Solves and measures a batch and holds it against its gate. Where that refuses and its policy says `bisect`, parts of the batch are
 * tried, each from the parent on, as the replay of a revert would do it.
 * @throws ErrataError what {@link solve} throws for the whole batch
 */
export async function workBatch(
  run: JobRun,
  model: StoredModel,
  parent: Ground,
  request: Request,
  gate: Gate,
): Promise<BatchOutcome> {
  const candidate = await solve(run, model, parent, request, 'edit');
  await failpoint('edit.after_solve');
  await run.move('evaluating');
  const whole = await measure(run, model, candidate, gate, 'evaluate');
  await failpoint('edit.after_evaluate');
  const all = request.edits.map((_, position) => position);
  const { on_failure, not_understood } = gate.policy;
  // No part of it would pass what cannot be judged.
  if (whole.refusal === null || on_failure !== 'bisect' || not_understood !== undefined) return wholeBatch(whole);

  const failed = new Set(failuresOf(candidate).map(({ position }) => position));
  const attempt = async (positions: readonly number[]): Promise<Trial<Attempt>> => {
    const edits = positions.map((position) => request.edits[position]!);
    const phase = `bisect ${edits.length} of ${all.length - failed.size}`;
    try {
      const part = await solve(run, model, parent, { ...request, edits }, phase);
      const found = await measure(run, model, part, gate, phase);
      return { passed: found.refusal === null, found };
    } catch (error) {
      // What an editor says of the edits it was given says of a part of a batch what a gate would.
      if (!isEditFault(error)) throw error;
      return { passed: false, found: { error } };
    }
  };
  const { accepted, trial, refused, trials } = await siftBatch<Attempt>(
    all.filter((position) => !failed.has(position)),
    { passed: false, found: whole },
    attempt,
    gate.policy.bisect_evaluations ?? defaultBisectEvaluations,
  );

  const results = new Map<string, EditResult>();
  for (const position of failed) results.set(idAt(request, position), whole.results[position]!);
  for (const { position, how, trial } of refused)
    results.set(idAt(request, position), refusedResult(idAt(request, position), how, trial.found));
  const kept = trial === null ? null : (trial.found as Measured);
  for (const result of kept?.results ?? []) results.set(result.custom_id, result);
  const shown = kept ?? whole;
  return {
    ground: kept?.candidate.ground ?? null,
    refusal: kept === null ? whole.refusal : null,
    results: request.edits.map(({ edit }) => results.get(edit.custom_id)!),
    summary: { ...shown.summary, edits: all.length, ...(kept === null ? { applied: 0, already_holds: 0 } : {}) },
    verdict: shown.verdict,
    config: candidate.config,
    withErrors: accepted.length < all.length,
    sifting: { trials, refused: refused.length },
  };
}

const wholeBatch = ({ candidate, results, summary, verdict, refusal }: Measured): BatchOutcome => ({
  ground: refusal === null ? candidate.ground : null,
  refusal,
  results,
  summary,
  verdict,
  config: candidate.config,
  withErrors: failuresOf(candidate).length > 0,
  sifting: null,
});

async function measure(
  run: JobRun,
  model: StoredModel,
  candidate: Candidate,
  gate: Gate,
  phase: string,
): Promise<Measured> {
  const evaluation = await evaluate(run, model, candidate, gate, phase);
  const { results, summary } = evaluation;
  if (isUnchanged(candidate)) return { candidate, results, summary, verdict: null, refusal: null };
  return { candidate, results, summary, ...judgeCandidate(gate, evaluation) };
}

const idAt = ({ edits }: Request, position: number): string => edits[position]!.edit.custom_id;

const inWords: Record<Refusal, string> = {
  alone: 'with this edit the batch fails its gate, and the edit fails it alone',
  together: 'with this edit the batch fails its gate, together with those before it',
  unsettled: 'the batch fails its gate, and the trials ran out before it was known with which edits',
};

/** An edit that was left out, with its own measurements from the trial that failed with it. */
function refusedResult(customId: string, how: Refusal, attempt: Attempt): EditResult {
  const reasons =
    'error' in attempt ? [attempt.error.message] : attempt.verdict === null ? [] : [...reasonsOf(attempt.verdict)];
  const message = `${inWords[how]}: ${reasons.join('; ')}`;
  const error = { code: 'error' in attempt ? attempt.error.code : 'gate_refused', message };
  const measured = 'error' in attempt ? undefined : attempt.results.find(({ custom_id }) => custom_id === customId);
  return { ...(measured ?? unmeasured(customId, error)), outcome: 'refused', error, refusal: { how, reasons } };
}
