// Work that need not be done again: equal requests on one version, judged by one gate, come to one outcome.
import { canonicalJson, type GateVerdict, looksAt, sha256, versionId } from '@errata/contracts';
import { type Contribution, type FinishedWork, findFinishedWork, type Ground, upon } from '@errata/lineage';
import type { JobRun } from '../attempts/job-run.ts';
import type { BatchOutcome } from './batch.ts';
import type { Gate, Request } from './candidate.ts';

/** Names all that a batch's outcome follows from. */
export function workDigest(parent: string, request: Request, { policy, base }: Gate): string {
  const { edits, editor, config, seed, on_error, artefacts } = request;
  return sha256(
    canonicalJson({
      parent,
      editor,
      config,
      seed,
      on_error,
      artefacts: artefacts.map(({ blob }) => blob),
      edits: edits.map(({ edit }) => edit),
      policy,
      base: looksAt(policy, { against: 'base' }) ? versionId(base) : null,
    }),
  );
}

export interface Reused {
  readonly job_id: string;
  readonly batch: BatchOutcome;
}

/** The outcome of a finished job with this digest, as that of this one; null where there is none. */
export async function reuse(
  { context: { lineage } }: JobRun,
  modelId: string,
  parent: { readonly version: string; readonly ground: Ground },
  request: Request,
  gate: Gate,
): Promise<Reused | null> {
  const work = await findFinishedWork(lineage, modelId, parent.version, workDigest(parent.version, request, gate));
  if (work === null || work.edits.length !== request.edits.length) return null;
  return {
    job_id: work.job_id,
    batch: {
      ground: upon(parent.ground, asOwn(work, request)),
      refusal: null,
      results: work.edits.map(({ result }) => result),
      summary: work.summary,
      verdict: work.gate === null ? null : asJudged(work.gate, gate),
      config: request.config,
      withErrors: work.withErrors,
      sifting: null,
    },
  };
}

/** What was found by the same rules, under the policy of now. */
function asJudged({ policy_revision: _, ...findings }: GateVerdict, { revision }: Gate): GateVerdict {
  return { ...findings, ...(revision === undefined ? {} : { policy_revision: revision }) };
}

/** The same deltas, answering the edits of another job. */
function asOwn({ links, edits }: FinishedWork, request: Request): readonly Contribution[] {
  const own = new Map(edits.map(({ id }, position) => [id, request.edits[position]!.id]));
  return links.map(({ edit_ids, deltas, bytes }) => ({
    job_id: request.jobId,
    edit_ids: edit_ids.map((id) => own.get(id)!),
    deltas,
    bytes,
  }));
}
