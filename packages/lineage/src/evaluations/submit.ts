// Submitting an evaluation: what it asks about is fixed here and now, and divided into shards that workers take side by side.
import {
  type CaseRange,
  customIdOf,
  type DerivedSuite,
  divideCases,
  divideUnits,
  ErrataError,
  type EvaluatedEditor,
  evaluationLimits,
  type JobResource,
  mostMeasurements,
  type ProtocolPlace,
  planProtocol,
  rootManifest,
  type SuiteCase,
  suiteDigest,
  versionId,
} from '@errata/contracts';
import type { Lineage, Tx } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import type { Branch as BranchRow } from '../generated/client.ts';
import { readChain, switchedEdits } from '../history/contributions.ts';
import { findPlace, findVersion } from '../history/versions.ts';
import { editsById } from '../jobs/edits.ts';
import { enqueue, nextSequence, type Submission } from '../jobs/submit.ts';
import { getModel } from '../models/models.ts';
import { findBranch } from '../names/branches.ts';
import { casesOfSuite, getSuite } from './suites.ts';

export interface EvaluationSubmission extends Submission {
  /** Name or id. */
  readonly model: string;
  /** A version id or a prefix of one; the head of `branch` when left out. */
  readonly version?: string | undefined;
  /** `main` when neither is given. */
  readonly branch?: string | undefined;
  /** `parent`, `base`, or a version. */
  readonly against: string;
  /** Checked cases, or where in the lineage to read them off. */
  readonly suite:
    | { readonly source: 'edits' | 'probes'; readonly cases: readonly SuiteCase[] }
    | { readonly source: DerivedSuite }
    /** Name or id of a stored suite. */
    | { readonly source: 'stored'; readonly suite: string };
  readonly shards?: number | undefined;
  /** Evaluates an editor by a protocol instead of the version as it is. Checked. */
  readonly editor?: EvaluatedEditor | undefined;
  /** Holds what is found against the gate of the branch, whose policy may send it back. */
  readonly gate?: boolean | undefined;
}

/** The lane of an evaluation's own job, and of one of its shards: none of them waits for another, nor for the branch. */
export const evaluationLane = (jobId: string, shard?: number): string =>
  shard === undefined ? `evaluation:${jobId}` : `evaluation:${jobId}:${shard}`;

/**
 * Queues an evaluation. The job itself waits; its shards are queued in the same transaction, each in a lane of its own, and the last
 * of them to end sends it on to be merged. So the database alone knows which shards there are and which have ended: a flow kept by
 * the queue would be a second truth beside it, lost with the queue's memory, while wake-ups may be lost at no cost.
 *
 * A suite read off the lineage is copied: what a branch does afterwards changes nothing of what was asked for.
 * `unknown_model`, `unknown_branch`, `unknown_version`; `not_found` for a suite; `invalid_request` when there is nothing to ask.
 */
export async function submitEvaluation(db: Lineage, submission: EvaluationSubmission): Promise<JobResource> {
  return db.prisma.$transaction(async (tx) => {
    const { resource: model } = await getModel(tx, submission.model);
    const evaluated = await placeOf(tx, model.id, submission);
    const against = await comparedWith(tx, model, evaluated, submission.against);
    const { suite, gate = false, editor = null } = submission;
    if (gate && editor !== null) throw badField('gate', 'an editor is judged by nobody: leave out gate');
    if (gate && evaluated.branch === null)
      throw badField('branch', 'name the branch by whose gate the version is to be judged');
    const { cases, name } = await casesFor(tx, suite, evaluated, against);
    if (cases.length === 0) throw nothingToAsk(suite.source);
    requireFewer(cases.length, evaluationLimits.cases, 'cases');
    const { placed, ranges, counts } = arrange(cases, (await activeIn(tx, evaluated)).length, submission);

    const id = newId('job');
    // What an editor does to a version is held against the version as it was.
    const compared = editor === null ? against : { kind: 'version', version: evaluated.version };
    const versions = { version: evaluated.version, parentVersion: compared.version };
    const queued = await enqueue(tx, submission, {
      id,
      kind: 'evaluation',
      state: 'waiting',
      lane: evaluationLane(id),
      sequence: await nextSequence(tx, evaluationLane(id)),
      modelId: model.id,
      ...(evaluated.branch === null ? {} : { branch: evaluated.branch }),
      ...versions,
      input: {
        against: compared.kind,
        suite: { source: suite.source, name, digest: suiteDigest(cases.map(({ item }) => item)) },
        editor,
        gate,
        ...counts,
        measurements: placed.length,
        shards: ranges.length,
      },
    });
    await insertCases(tx, id, placed);
    for (const [index, range] of ranges.entries()) {
      const lane = evaluationLane(id, index);
      await enqueue(
        tx,
        { created_by: submission.created_by, needs: submission.needs, priority: submission.priority },
        {
          kind: 'evaluation_shard',
          lane,
          sequence: await nextSequence(tx, lane),
          parentJob: id,
          modelId: model.id,
          ...versions,
          input: { ...range },
        },
      );
    }
    return queued;
  });
}

interface Arranged {
  readonly placed: readonly (NewCase & ProtocolPlace)[];
  readonly ranges: readonly CaseRange[];
  /** Cases: under a protocol the edits that are made, and what is asked along a stream of them. */
  readonly counts: { readonly cases: number; readonly watched: number };
}

/** What is measured when, and by which shard. */
function arrange(
  cases: readonly NewCase[],
  activeEdits: number,
  { editor, shards }: Pick<EvaluationSubmission, 'editor' | 'shards'>,
): Arranged {
  if (editor == null) {
    const placed = cases.map((each) => ({ ...each, moment: 'end' as const, edits: activeEdits }));
    return { placed, ranges: divideCases(cases.length, shards), counts: { cases: cases.length, watched: 0 } };
  }
  const { protocol } = editor;
  const edits = cases.filter(({ item }) => item.kind === 'edit');
  const others = cases.filter(({ item }) => item.kind !== 'edit');
  if (edits.length === 0) throw badField('editor', 'an editor makes edits: give edits, or a suite of edits');
  if (others.length > 0 && protocol.kind !== 'lifelong')
    throw badField('protocol', 'what is asked beside edits is asked along a stream of them: the lifelong protocol');
  const watched: readonly NewCase[] =
    protocol.kind === 'lifelong' ? [...others, { item: { kind: 'held_text' }, editId: null }] : [];
  const all = [...edits, ...watched];
  const units = planProtocol(protocol, edits.length, { watched: watched.length });
  requireFewer(units.at(-1)!.to, mostMeasurements, 'measurements');
  const placed = units.flatMap(({ from, to, first, place }) =>
    all.slice(first, first + to - from).map((each) => ({ ...each, ...place })),
  );
  const counts = { cases: edits.length, watched: watched.length };
  return { placed, ranges: divideUnits(units, protocol, shards), counts };
}

function requireFewer(count: number, most: number, what: string): void {
  if (count <= most) return;
  throw new ErrataError('payload_too_large', `${count} ${what} in one evaluation; ${most} are allowed`, {
    details: { [what]: count, limit: most },
  });
}

/** The cases themselves, and the name of the stored suite that they are. */
async function casesFor(
  tx: Tx,
  suite: EvaluationSubmission['suite'],
  evaluated: Place,
  against: Place,
): Promise<{ readonly cases: readonly NewCase[]; readonly name: string | null }> {
  const unknown = (items: readonly SuiteCase[]) => items.map((item) => ({ item, editId: null }));
  if (suite.source === 'stored') {
    const { id, name } = await getSuite(tx, suite.suite);
    return { cases: unknown(await casesOfSuite(tx, id)), name };
  }
  if ('cases' in suite) return { cases: unknown(suite.cases), name: null };
  const ids =
    suite.source === 'applied'
      ? await activeIn(tx, evaluated)
      : Object.values(await switchedEdits(tx, against.tip, evaluated.tip)).flat();
  const edits = await editsById(tx, ids);
  const cases = [...new Set(ids)].map((editId): NewCase => {
    return { item: { kind: 'edit', edit: edits.get(editId)!.edit }, editId };
  });
  return { cases, name: null };
}

const activeIn = async (tx: Tx, { tip }: Place): Promise<readonly string[]> => [
  ...new Set((await readChain(tx, tip)).flatMap(({ edit_ids }) => edit_ids)),
];

interface Place {
  readonly version: string;
  readonly tip: string | null;
}

/** The version to evaluate, with the chain that says whose edits it holds: that of the branch, or of the history that led here last. */
export async function placeOf(
  tx: Tx,
  modelId: string,
  { branch, version }: Pick<EvaluationSubmission, 'branch' | 'version'>,
): Promise<Place & { readonly branch: BranchRow | null }> {
  const row = branch === undefined && version !== undefined ? null : await findBranch(tx, modelId, branch ?? 'main');
  if (version === undefined && row !== null) return { branch: row, version: row.headVersionId, tip: row.tipId };
  return { branch: row, ...(await findPlace(tx, version!, modelId)) };
}

async function comparedWith(
  tx: Tx,
  model: { readonly id: string; readonly digest: string },
  evaluated: Place,
  against: string,
): Promise<Place & { readonly kind: 'parent' | 'base' | 'version' }> {
  if (against === 'base') return { kind: 'base', version: versionId(rootManifest(model.digest)), tip: null };
  if (against !== 'parent') return { kind: 'version', ...(await findPlace(tx, against, model.id)) };
  const { parentId } = await findVersion(tx, evaluated.version, model.id);
  // The imported model was made from nothing: it is compared with itself.
  return { kind: 'parent', ...(parentId === null ? evaluated : await findPlace(tx, parentId, model.id)) };
}

interface NewCase {
  readonly item: SuiteCase;
  readonly editId: string | null;
}

async function insertCases(tx: Tx, jobId: string, cases: Arranged['placed']): Promise<void> {
  const rows = cases.map(({ item, editId, moment, edits }, position) => ({
    position,
    moment,
    edits,
    custom_id: customIdOf(item),
    edit_id: editId,
    payload: item,
  }));
  await tx.$executeRaw`
    INSERT INTO evaluation_cases (job_id, position, moment, edits, custom_id, edit_id, payload)
    SELECT ${jobId}, position, moment, edits, custom_id, edit_id, payload
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS given(
      position integer, moment text, edits integer, custom_id text, edit_id text, payload jsonb)`;
}

function badField(field: string, message: string): ErrataError {
  return new ErrataError('invalid_request', message, {
    errors: [{ code: 'invalid_request', field, pointer: `/${field}`, message }],
  });
}

function nothingToAsk(source: string): ErrataError {
  const message = {
    applied: 'no edit is active in this version: give edits or probes to ask about',
    difference: 'the two versions hold the same edits: give edits or probes to ask about',
  }[source];
  return new ErrataError('invalid_request', message ?? 'there are no cases');
}
