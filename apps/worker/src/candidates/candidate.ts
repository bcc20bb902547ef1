// From edits to a candidate version, and from a candidate to a verdict: what edit jobs and replays have in common.
import {
  type ArtefactUse,
  type ConfigOverrides,
  type EditResult,
  ErrataError,
  type ErrorCode,
  type GatePolicy,
  type GateVerdict,
  type JudgedPolicy,
  judge,
  looksAt,
  type OnError,
  type PlainError,
  reasonsOf,
  type Score,
  type VersionSource,
  versionId,
} from '@errata/contracts';
import type { BuiltDelta, EngineMethods, GateRequest } from '@errata/engine';
import {
  type BranchWork,
  type Contribution,
  editNorms,
  type Ground,
  normsRemembered,
  readChain,
  type StoredEdit,
  type StoredModel,
  upon,
} from '@errata/lineage';
import type { JobRun } from '../attempts/job-run.ts';
import { modelReference } from '../models.ts';

export type Evaluation = EngineMethods['evaluateCandidate']['result'];

export interface Request {
  /** The edit job whose request this is. */
  readonly jobId: string;
  readonly edits: readonly StoredEdit[];
  readonly editor: string;
  readonly config: ConfigOverrides;
  readonly seed: number;
  readonly on_error: OnError;
  readonly artefacts: readonly ArtefactUse[];
}

export interface Candidate {
  readonly request: Request;
  readonly parent: Ground;
  /** The parent with what the request left on top. */
  readonly ground: Ground;
  /** What became of each edit. One that `already_holds` was held by the parent, or by it with earlier edits of the request. */
  readonly outcomes: EngineMethods['applyEdits']['result']['outcomes'];
  /** The gate's `edit_norm` of each edit; null where it left nothing in a matrix. */
  readonly norms: readonly (number | null)[];
  /** The complete settings that were used. */
  readonly config: ConfigOverrides;
  readonly seconds: number;
}

/** Whether a candidate is its parent: what was asked for held already, or failed. There is nothing to judge then, and nothing to commit. */
export const isUnchanged = ({ parent, ground }: Pick<Candidate, 'parent' | 'ground'>): boolean =>
  versionId(ground.source) === versionId(parent.source);

/**
 * Has the engine carry out a request upon a version.
 * @throws ErrataError what edits failed with, when all did, or one did under `on_error: rollback`; and what the editor throws
 */
export async function solve(
  run: JobRun,
  model: StoredModel,
  parent: Ground,
  request: Request,
  phase: string,
): Promise<Candidate> {
  const { edits, editor, config, seed, on_error, artefacts } = request;
  const solved = await run.call(
    'applyEdits',
    {
      model: modelReference(model),
      parent: parent.source,
      edits: edits.map(({ edit }) => edit),
      editor,
      config,
      seed,
      // To name all that fail, all must be tried.
      on_error: on_error === 'rollback' ? 'continue' : on_error,
      artefacts,
    },
    phase,
  );
  const failed = failuresOf(solved);
  if (failed.length === edits.length || (failed.length > 0 && on_error === 'rollback')) throw notApplied(edits, failed);
  const ground = upon(parent, groupDeltas(request.jobId, edits, solved.deltas));
  const norms = edits.map((_, position) => normOf(position, solved.deltas));
  return { request, parent, ground, norms, ...solved };
}

/** The edits of a candidate that could not be made, by their position, with the reason. */
export const failuresOf = ({ outcomes }: Pick<Candidate, 'outcomes'>) =>
  outcomes.flatMap((made, position) => (made.outcome === 'failed' ? [{ position, error: made.error }] : []));

/** Edits that share a delta are taken to have added to it independently: their squares sum up to the whole. */
function normOf(position: number, deltas: readonly BuiltDelta[]): number | null {
  const shares = deltas.flatMap(({ norm, positions }) =>
    norm !== null && positions.includes(position) ? [norm / Math.sqrt(positions.length)] : [],
  );
  return shares.length === 0 ? null : Math.max(...shares);
}

/** By what a candidate is judged. */
export interface Gate {
  readonly policy: JudgedPolicy;
  /** Of the branch's policy; absent for a gate that the job brought along. */
  readonly revision?: number | undefined;
  /** The version that the branch began at. */
  readonly base: VersionSource;
}

/** The gate of a job on a branch: its own, or the branch's. */
export const gateOf = ({ branch, base }: BranchWork, own: GatePolicy | null): Gate => ({
  policy: own ?? branch.gate,
  base: base.source,
  ...(own === null ? { revision: branch.policy_revision } : {}),
});

/** What the engine has to measure for a gate besides the edits' own probes. */
async function gateRequest(run: JobRun, gate: Gate, candidate: Candidate): Promise<GateRequest> {
  const { policy } = gate;
  const { norms } = candidate;
  return {
    policy,
    ...(looksAt(policy, { against: 'base' }) ? { base: gate.base } : {}),
    edit_norms: norms,
    earlier_norms: looksAt(policy, { metric: 'edit_norm_z' })
      ? await editNorms(run.context.lineage, await earlierEdits(run, candidate.parent), candidate.request.editor)
      : [],
  };
}

async function earlierEdits(run: JobRun, { after, added }: Ground): Promise<readonly string[]> {
  const stored = await readChain(run.context.lineage, after, null, normsRemembered);
  return [...stored, ...added].flatMap(({ edit_ids }) => edit_ids);
}

/**
 * Measures a candidate against the version it was built upon, for a gate where there is anything to judge. Edits that failed are reported with
 * what they failed with, and not asked about: what kept them from being applied, such as a prompt beyond the context window, may keep
 * them from being read.
 */
export async function evaluate(
  run: JobRun,
  model: StoredModel,
  candidate: Candidate,
  gate: Gate,
  phase: string,
): Promise<Evaluation> {
  const { request, parent, ground, outcomes, norms, seconds } = candidate;
  const { results, summary, measured } = await run.call(
    'evaluateCandidate',
    {
      model: modelReference(model),
      parent: parent.source,
      candidate: ground.source,
      edits: request.edits.map(({ edit }) => edit),
      outcomes,
      edit_seconds: seconds,
      ...(isUnchanged(candidate) ? {} : { gate: await gateRequest(run, gate, candidate) }),
    },
    phase,
  );
  const withNorms = results.map((result, position) =>
    result.outcome === 'failed' ? result : { ...result, delta_norm: norms[position] ?? null },
  );
  return { results: withNorms, summary, measured };
}

const noScore: Score = { token: 0, all: 0, exact: 0 };

export const unmeasured = (custom_id: string, error: Pick<PlainError, 'code' | 'message'> | undefined): EditResult => ({
  custom_id,
  outcome: 'failed',
  error: error === undefined ? null : { code: error.code, message: error.message },
  answer_before: '',
  answer_after: '',
  reliability: { before: noScore, after: noScore },
  generalization: null,
  locality: {},
  portability: {},
  diagnostics: {},
});

export interface Judgement {
  readonly verdict: GateVerdict;
  /** Why the gate refuses; null when it does not. */
  readonly refusal: ErrataError | null;
}

export function judgeCandidate(
  { policy, revision }: Pick<Gate, 'policy' | 'revision'>,
  { measured }: Pick<Evaluation, 'measured'>,
): Judgement {
  const verdict: GateVerdict = {
    ...judge(policy, measured),
    ...(revision === undefined ? {} : { policy_revision: revision }),
  };
  if (verdict.passed) return { verdict, refusal: null };
  const failed = verdict.findings.filter(({ outcome }) => outcome === 'failed');
  return {
    verdict,
    refusal: new ErrataError('gate_refused', reasonsOf(verdict).join('; '), { details: { findings: failed } }),
  };
}

/**
 * Deltas that carry the same edits belong together. Where they overlap in part, everything from the first one touched on becomes
 * one contribution: the order of installation must stay.
 */
export function groupDeltas(
  jobId: string,
  edits: readonly StoredEdit[],
  deltas: readonly BuiltDelta[],
): readonly Contribution[] {
  const groups: { positions: Set<number>; deltas: BuiltDelta[] }[] = [];
  for (const delta of deltas) {
    const touched = groups.findIndex(({ positions }) => delta.positions.some((position) => positions.has(position)));
    const merged = touched === -1 ? [] : groups.splice(touched);
    groups.push({
      positions: new Set([...merged.flatMap(({ positions }) => [...positions]), ...delta.positions]),
      deltas: [...merged.flatMap((group) => group.deltas), delta],
    });
  }
  return groups.map((group) => ({
    job_id: jobId,
    edit_ids: [...group.positions].sort((a, b) => a - b).map((position) => edits[position]!.id),
    deltas: group.deltas.map(({ kind, blob }) => ({ kind, blob })),
    bytes: group.deltas.reduce((sum, { bytes }) => sum + bytes, 0),
  }));
}

function notApplied(edits: readonly StoredEdit[], failures: ReturnType<typeof failuresOf>): ErrataError {
  const codes = new Set<ErrorCode>(failures.map(({ error }) => error.code));
  const [only] = codes;
  const errors = failures.map(({ position, error }) => {
    const custom_id = edits[position]!.edit.custom_id;
    return { code: error.code, pointer: `/edits/${position}`, custom_id, message: `${custom_id}: ${error.message}` };
  });
  const code = codes.size === 1 && only !== undefined ? only : 'edit_failed';
  const which =
    failures.length === edits.length
      ? `none of the ${edits.length} edits could be applied`
      : `${failures.length} of the ${edits.length} edits could not be applied, so none is kept`;
  return new ErrataError(code, `${which}; the first: ${errors[0]?.message}`, { errors });
}
