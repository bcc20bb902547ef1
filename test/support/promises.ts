// The promises of the service as functions of its recorded history: each says what contradicts it.
import {
  canMove,
  canonicalJson,
  changedNothing,
  type DeltaReference,
  isTerminal,
  type JobState,
  nextVersionId,
  rootVersionId,
} from '@errata/contracts';
import type { EventFact, History, JobFact, LinkFact, MoveFact } from './recorded-history.ts';

/** What only those who used the service know. */
export interface Witness {
  /** Jobs whose submission was acknowledged. */
  readonly acknowledged: readonly string[];
  /** Inbox edits whose arrival was acknowledged. */
  readonly delivered?: readonly string[];
  /** Nothing is under way any more: what was to end has ended. */
  readonly settled: boolean;
  /** Digests of weights that versions answered with, in the order in which they were asked. */
  readonly served?: readonly { readonly version: string; readonly digest: string }[];
}

export const promiseNames = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10'] as const;
export type PromiseName = (typeof promiseNames)[number];

export interface Violation {
  readonly promise: PromiseName;
  readonly what: string;
}

type Check = (history: History, witness: Witness) => Iterable<string>;

/** An acknowledged job ends in a terminal state or stays visible, and jobs of a lane are worked in their order. */
function* acknowledgedJobsEnd(history: History, { acknowledged, delivered = [], settled }: Witness) {
  const jobs = byId(history.jobs);
  for (const id of acknowledged) if (!jobs.has(id)) yield `${id} was acknowledged and is gone`;
  for (const lane of history.lanes) {
    const sequences = history.jobs.filter(({ lane_id }) => lane_id === lane.id).map(({ sequence }) => sequence);
    const wanted = Array.from({ length: lane.next_sequence - 1 }, (_, index) => index + 1);
    if (sequences.join() !== wanted.join())
      yield `${lane.id} has handed out ${wanted.join()} and has ${sequences.join()}`;
  }
  for (const { id, state } of history.jobs) {
    if (settled && !isTerminal(state) && state !== 'awaiting_approval') yield `${id} is still ${state}`;
  }
  const inbox = byId(history.inbox_edits);
  const edits = groupBy(history.edits, ({ job_id }) => job_id);
  for (const id of delivered) if (!inbox.has(id)) yield `inbox edit ${id} was acknowledged and is gone`;
  for (const { id, state, job_id, custom_id } of history.inbox_edits) {
    const batched = state === 'batched' || job_id !== null;
    const carried = (edits.get(job_id ?? '') ?? []).filter((edit) => edit.payload.custom_id === custom_id).length;
    if (batched && carried !== 1) yield `inbox edit ${id} is ${state}, and its job carries it ${carried} times`;
  }
  yield* outOfOrder(history, jobs);
}

function* outOfOrder(history: History, jobs: ReadonlyMap<string, JobFact>) {
  const lanes = groupBy(history.jobs, ({ lane_id }) => lane_id);
  const states = new Map<string, JobState>();
  for (const { job_id, type, state } of history.events) {
    const job = jobs.get(job_id);
    if (job !== undefined && type === 'running') {
      for (const earlier of lanes.get(job.lane_id) ?? []) {
        if (earlier.sequence >= job.sequence) continue;
        const then = states.get(earlier.id);
        if (then !== undefined && !isTerminal(then) && then !== 'awaiting_approval')
          yield `${job_id} was taken while ${earlier.id}, which comes before it, was ${then}`;
      }
    }
    states.set(job_id, state);
  }
}

/** A job commits one version at most, whatever its attempts, and no edit is applied twice or forgotten. */
function* oneVersionAJob(history: History) {
  const moves = groupBy(history.branch_moves, ({ job_id }) => job_id ?? '');
  const edits = groupBy(history.edits, ({ job_id }) => job_id);
  const links = byId(history.contributions);
  for (const job of history.jobs) {
    const own = moves.get(job.id) ?? [];
    if (own.length > 1) yield `${job.id} moved branches ${own.length} times`;
    if (!movesBranches(job)) continue;
    const [move] = own;
    const moved = succeeded(job.state) && !changedNothing(job);
    if (moved !== (move !== undefined)) yield `${job.id} is ${job.state} and has ${own.length} moves`;
    for (const { id, result } of edits.get(job.id) ?? [])
      if (succeeded(job.state) && changedNothing(job) && result?.outcome === 'applied')
        yield `${id} of ${job.id} was applied, and nothing changed`;
    if (move === undefined) continue;
    if (move.to_version_id !== job.version_id)
      yield `${job.id} says ${job.version_id} and moved to ${move.to_version_id}`;
    if (move.from_version_id !== job.parent_version_id)
      yield `${job.id} was worked on ${job.parent_version_id} and moved from ${move.from_version_id}`;
    if (job.kind !== 'edit' || job.state !== 'succeeded') continue;
    const active = new Set(chainOf(links, move.tip_id).flatMap(({ edit_ids }) => edit_ids));
    for (const { id, result } of edits.get(job.id) ?? [])
      if (!active.has(id) && result?.outcome !== 'already_holds') yield `${id} of ${job.id} was not applied`;
  }
  for (const link of history.contributions) {
    const before = chainOf(links, link.previous_id).flatMap(({ edit_ids }) => edit_ids);
    for (const id of link.edit_ids) if (before.includes(id)) yield `${id} is applied twice on the chain to ${link.id}`;
  }
}

/** A branch is a single chain, and its head is what its deltas add up to. */
function* branchesAreChains(history: History) {
  const moves = groupBy(history.branch_moves, ({ branch_id }) => branch_id);
  const digests = digestsOf(history);
  const links = byId(history.contributions);
  for (const link of history.contributions) {
    const depth = link.previous_id === null ? 1 : (links.get(link.previous_id)?.depth ?? Number.NaN) + 1;
    if (link.depth !== depth) yield `${link.id} is at depth ${link.depth}, not ${depth}`;
    if (digests.get(link.id) !== link.version_id)
      yield `${link.id} is called ${link.version_id}, and is ${digests.get(link.id)}`;
  }
  for (const branch of history.branches) {
    let from: string | null = null;
    let last: MoveFact | undefined;
    for (const [index, move] of (moves.get(branch.id) ?? []).entries()) {
      const name = `move ${move.sequence} of ${branch.id}`;
      if (move.sequence !== index + 1) yield `${name} is its ${index + 1}th`;
      if (move.from_version_id !== from)
        yield `${name} starts at ${move.from_version_id}, and the one before ended at ${from}`;
      const digest = digestAt(history, digests, move.model_id, move.tip_id);
      if (digest !== move.to_version_id) yield `${name} leads to ${move.to_version_id}, and its deltas are ${digest}`;
      from = move.to_version_id;
      last = move;
    }
    if (last?.to_version_id !== branch.head_version_id || last.tip_id !== branch.tip_id)
      yield `the head of ${branch.id} is not where its last move went`;
  }
}

/** Nobody reads a partial version: a version is there with all that it is made of, and comes into being by a commit. */
function* versionsAreWhole(history: History) {
  const links = byId(history.contributions);
  const digests = digestsOf(history);
  const jobs = byId(history.jobs);
  for (const version of history.versions) {
    const digest = digestAt(history, digests, version.model_id, version.tip_id);
    if (digest !== version.id) yield `${version.id} is made of ${digest}`;
    for (const { id, deltas } of chainOf(links, version.tip_id)) {
      for (const { blob } of deltas) {
        const state = history.blobs.get(blob) ?? 'missing';
        if (state !== 'whole') yield `${version.id} needs ${blob} of ${id}, which is ${state}`;
      }
    }
    const job = jobs.get(version.job_id ?? '');
    if (job !== undefined && !succeeded(job.state)) yield `${version.id} was made by ${job.id}, which is ${job.state}`;
  }
  const commits = new Set(history.branch_moves.map(({ xid }) => xid));
  for (const { id, xid } of history.contributions) if (!commits.has(xid)) yield `${id} was not written by a commit`;
}

/** A rollback to a version serves that very version; one that takes edits back leaves all others as they were. */
function* rollbacksAreExact(history: History, { served = [] }: Witness) {
  const links = byId(history.contributions);
  const jobs = byId(history.jobs);
  const moves = groupBy(history.branch_moves, ({ branch_id }) => branch_id);
  for (const [branch, made] of moves) {
    for (const [index, move] of made.entries()) {
      const name = `move ${move.sequence} of ${branch}`;
      const job = jobs.get(move.job_id ?? '');
      if (move.kind === 'reset') {
        const earlier = made.slice(0, index).findLast(({ to_version_id }) => to_version_id === move.to_version_id);
        if (earlier === undefined) yield `${name} resets to ${move.to_version_id}, where the branch has never been`;
        else if (deltasOf(links, earlier.tip_id) !== deltasOf(links, move.tip_id))
          yield `${name} resets to other deltas`;
        if (job?.input.to_version !== undefined && job.input.to_version !== move.to_version_id)
          yield `${name} was asked for ${job.input.to_version} and went to ${move.to_version_id}`;
      }
      if (move.kind !== 'exact' && move.kind !== 'subtract') continue;
      const named = (list: unknown) => (list as readonly string[] | undefined) ?? [];
      // What held by itself without them has no part in what is left.
      const reverted = new Set([...named(job?.result?.reverted), ...named(job?.result?.already_holds)]);
      const before = activeAt(links, made[index - 1]?.tip_id ?? null).filter((id) => !reverted.has(id));
      const after = activeAt(links, move.tip_id);
      if (before.join() !== after.join())
        yield `${name} takes back ${[...reverted].join()}: ${after.join()} act, and ${before.join()} should`;
    }
  }
  const digests = new Map<string, string>();
  for (const { version, digest } of served) {
    const known = digests.get(version);
    if (known !== undefined && known !== digest) yield `${version} was served as ${known} and as ${digest}`;
    digests.set(version, digest);
  }
}

/** Nothing that can be reached is collected. */
function* nothingReachableIsCollected(history: History) {
  const jobs = byId(history.jobs);
  // What an evaluation has come to is needed until it ends.
  const underWay = history.evaluation_blocks.filter(({ job_id }) => {
    const state = jobs.get(job_id)?.state;
    return state !== undefined && !isTerminal(state);
  });
  const wanted: [string, string][] = [
    ...history.models.flatMap(({ id, files }) => files.map(({ blob }): [string, string] => [blob, `model ${id}`])),
    ...history.contributions.flatMap(({ id, deltas }) => deltas.map(({ blob }): [string, string] => [blob, id])),
    ...history.snapshots.map(({ blob, version_id }): [string, string] => [blob, `the snapshot of ${version_id}`]),
    ...history.artefacts.map(({ blob }): [string, string] => [blob, 'an artefact']),
    ...history.candidates.flatMap(({ job_id, added }) =>
      added.flatMap(({ deltas }) => deltas.map(({ blob }): [string, string] => [blob, `the candidate of ${job_id}`])),
    ),
    ...underWay.flatMap(({ job_id, position, deltas }) =>
      deltas.map(({ blob }): [string, string] => [blob, `block ${position} of ${job_id}`]),
    ),
  ];
  for (const [blob, owner] of wanted) {
    const state = history.blobs.get(blob) ?? 'missing';
    if (state !== 'whole') yield `${blob} of ${owner} is ${state}`;
  }
}

/** Every state change has one event, written in the same transaction. */
function* changesAreRecorded(history: History) {
  const events = groupBy(history.events, ({ job_id }) => job_id);
  const moves = new Map(history.branch_moves.map((move) => [move.job_id ?? '', move]));
  for (const job of history.jobs) {
    let state: JobState | undefined;
    let change: EventFact | undefined;
    for (const event of events.get(job.id) ?? []) {
      const begins = state === undefined;
      if (
        begins ? !['queued', 'waiting'].includes(event.state) : event.state !== state && !canMove(state!, event.state)
      )
        yield `${job.id} went from ${state ?? 'nothing'} to ${event.state} by event ${event.id}`;
      if (!begins && event.type === event.state && event.state === state)
        yield `${job.id} became ${state} twice in a row`;
      if (begins || event.state !== state) change = event;
      state = event.state;
    }
    if (state !== job.state) yield `${job.id} is ${job.state}, and by its events ${state}`;
    if (change !== undefined && isTerminal(job.state) && change.xid !== job.xid)
      yield `${job.id} became ${job.state} in one transaction and its event was written in another`;
    const move = moves.get(job.id);
    if (move === undefined || !movesBranches(job) || change === undefined) continue;
    if (change.xid !== move.xid)
      yield `${job.id} moved its branch in one transaction and its event was written in another`;
    if (change.data.sequence !== move.sequence || change.data.version_id !== move.to_version_id)
      yield `${job.id} says that it made move ${change.data.sequence}, and made ${move.sequence}`;
  }
}

/** Equal inputs on an equal version make an equal version. */
function* workIsReproducible(history: History) {
  const jobs = byId(history.jobs);
  const edits = groupBy(history.edits, ({ job_id }) => job_id);
  const seen = new Map<string, { job: string; to: string }>();
  for (const { kind, job_id, from_version_id, to_version_id } of history.branch_moves) {
    const job = jobs.get(job_id ?? '');
    if (kind !== 'edit' || job === undefined) continue;
    // Names are the caller's; what is asked is the rest.
    const asked = (edits.get(job.id) ?? []).map(({ payload: { custom_id: _, ...rest } }) => rest);
    const { on_conflict: __, ...input } = job.input;
    const key = canonicalJson({ from_version_id, input, asked });
    const first = seen.get(key);
    if (first !== undefined && first.to !== to_version_id)
      yield `${first.job} and ${job.id} were asked for the same and made ${first.to} and ${to_version_id}`;
    seen.set(key, first ?? { job: job.id, to: to_version_id });
  }
}

/** Every move of an alias is in its history. */
function* aliasMovesAreLogged(history: History) {
  const moves = groupBy(history.alias_moves, ({ alias_id }) => alias_id);
  for (const alias of history.aliases) {
    let from: string | null = null;
    const made = moves.get(alias.id) ?? [];
    for (const [index, move] of made.entries()) {
      if (move.sequence !== index + 1) yield `move ${index + 1} of ${alias.id} is missing`;
      if (move.from_version_id !== from)
        yield `move ${move.sequence} of ${alias.id} starts at ${move.from_version_id}, not at ${from}`;
      from = move.to_version_id;
    }
    if (alias.sequence !== made.length)
      yield `${alias.id} has moved ${alias.sequence} times, and ${made.length} are logged`;
    if (from !== null && from !== alias.version_id)
      yield `${alias.id} is at ${alias.version_id}, and was moved to ${from}`;
  }
}

/** What was refused, rejected, cancelled or has failed leaves no trace in what is served. */
function* refusedLeavesNoTrace(history: History) {
  const jobs = byId(history.jobs);
  const edits = byId(history.edits);
  for (const job of history.jobs) {
    if (!movesBranches(job) || succeeded(job.state)) continue;
    if (job.version_id !== null) yield `${job.id} is ${job.state} and has version ${job.version_id}`;
  }
  for (const { id, job_id, edit_ids } of history.contributions) {
    const job = jobs.get(job_id);
    if (job === undefined || !succeeded(job.state)) yield `${id} is of ${job_id}, which is ${job?.state ?? 'gone'}`;
    for (const edit of edit_ids) {
      const outcome = edits.get(edit)?.result?.outcome;
      if (outcome === 'refused' || outcome === 'failed' || outcome === 'already_holds')
        yield `${id} applies ${edit}, which was ${outcome}`;
    }
  }
  for (const { job_id } of history.candidates) {
    const state = jobs.get(job_id)?.state;
    if (state === undefined || isTerminal(state)) yield `a candidate of ${job_id} is kept, which is ${state ?? 'gone'}`;
  }
}

const checks: Readonly<Record<PromiseName, Check>> = {
  I1: acknowledgedJobsEnd,
  I2: oneVersionAJob,
  I3: branchesAreChains,
  I4: versionsAreWhole,
  I5: rollbacksAreExact,
  I6: nothingReachableIsCollected,
  I7: changesAreRecorded,
  I8: workIsReproducible,
  I9: aliasMovesAreLogged,
  I10: refusedLeavesNoTrace,
};

/** Everything that contradicts a promise. */
export const violations = (history: History, witness: Witness): readonly Violation[] =>
  promiseNames.flatMap((promise) => [...checks[promise](history, witness)].map((what) => ({ promise, what })));

const succeeded = (state: JobState): boolean => state === 'succeeded' || state === 'completed_with_errors';
const movesBranches = ({ kind }: JobFact): boolean => kind === 'edit' || kind === 'rollback';

const byId = <T extends { readonly id: string }>(rows: readonly T[]): ReadonlyMap<string, T> =>
  new Map(rows.map((row) => [row.id, row]));

function groupBy<T>(rows: readonly T[], key: (row: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group === undefined) groups.set(key(row), [row]);
    else group.push(row);
  }
  return groups;
}

/** The links of a chain, first to last. */
function chainOf(links: ReadonlyMap<string, LinkFact>, tip: string | null): readonly LinkFact[] {
  const chain: LinkFact[] = [];
  for (let link = links.get(tip ?? ''); link !== undefined && chain.length <= links.size; ) {
    chain.push(link);
    link = links.get(link.previous_id ?? '');
  }
  return chain.reverse();
}

const activeAt = (links: ReadonlyMap<string, LinkFact>, tip: string | null): readonly string[] => [
  ...new Set(chainOf(links, tip).flatMap(({ edit_ids }) => edit_ids)),
];

const deltasOf = (links: ReadonlyMap<string, LinkFact>, tip: string | null): string =>
  chainOf(links, tip)
    .flatMap(({ deltas }) => deltas.map(({ kind, blob }) => `${kind} ${blob}`))
    .join();

/** What each link's chain adds up to, whatever it is called. */
function digestsOf({ models, contributions }: History): ReadonlyMap<string, string> {
  const roots = new Map(models.map(({ id, digest }) => [id, rootVersionId(digest)]));
  const digests = new Map<string, string>();
  for (const { id, model_id, previous_id, deltas } of [...contributions].sort((a, b) => a.depth - b.depth)) {
    const before = previous_id === null ? roots.get(model_id) : digests.get(previous_id);
    if (before === undefined) continue;
    digests.set(id, deltas.map(({ kind, blob }): DeltaReference => ({ kind, blob })).reduce(nextVersionId, before));
  }
  return digests;
}

function digestAt(
  { models }: History,
  digests: ReadonlyMap<string, string>,
  modelId: string,
  tip: string | null,
): string | undefined {
  if (tip !== null) return digests.get(tip);
  const model = models.find(({ id }) => id === modelId);
  return model === undefined ? undefined : rootVersionId(model.digest);
}
