// The history that a fixture holds: every editor and every verb, on a tiny model, told to a running stack as its users would.
import type { EditInput, GatePolicy, JobResource, JobState } from '@errata/contracts';
import { startEngine } from '@errata/engine';
import { getModel, openLineage, recordSnapshot, sourceOfVersion, tipOfVersion } from '@errata/lineage';
import type { ErrataClient } from '@errata/sdk';
import { admitTo } from '../support/people.ts';
import type { Stored } from './archive.ts';

export const model = 'tiny';

/** Of a stack, by two keys: nobody approves what they submitted. */
export interface Tellers {
  readonly author: ErrataClient;
  readonly approver: ErrataClient;
}

/** What the next build must be able to go on with. */
export interface Open {
  /** The last edits of `main`, and the version before them: what is left when they are taken back. */
  readonly last: { readonly edits: readonly string[]; readonly before: string };
  /** The first edit of `main`, behind which every editor has worked, and what a later one made the model answer. */
  readonly first: { readonly edit: string; readonly other: { readonly prompt: string; readonly answer: string } };
  /** Waits for an approval on `guarded`. */
  readonly candidate: { readonly job: string; readonly version: string };
  /** Of a stored suite. */
  readonly evaluation: string;
  /** Who shares what; left out by builds that knew of no projects. */
  readonly sharing?: Sharing;
}

/** A project that owns a model, and may have two edits a day asked of it. */
interface Sharing {
  readonly project: string;
  readonly model: string;
  /** For the project alone. */
  readonly key: string;
  /** Ids: of a reader of the project by the provider, who was given more in it, and of an administrator, who was removed. */
  readonly people: { readonly promoted: string; readonly removed: string };
  /** The last entry of the audit log by then. */
  readonly audit: { readonly position: number; readonly hash: string };
}

const openGate: GatePolicy = { rules: [] };
const openPolicy = {
  gate: openGate,
  approval: 'none',
  approval_hours: null,
  auto_rollback: 'off',
  protected: false,
} as const;
const search = { steps: 50, prefixes: [[2, 3]], weight_decay: 1e-3, clamp_factor: 50, stop_loss: 0.01 };
/** Settings under which each editor moves a tiny model. */
export const settings = {
  'r-rome': { layer: 0, ...search },
  rome: { layer: 0, ...search },
  memit: { layers: [0], ...search, second_moment_weight: 5 },
  'ft-m': { layer: 1, learning_rate: 0.01, epochs: 40 },
  'ft-l': { layer: 1, learning_rate: 5e-3, epochs: 10, norm_constraint: 0.02 },
  grace: { layer: 0, epsilon: 0.05, steps: 200, learning_rate: 0.5 },
} as const;
type EditorName = keyof typeof settings;

const promptAbout = (place: string) => `The capital of ${place} is`;

export const capital = (place: string, target_new: string, more: Partial<EditInput> = {}): EditInput => ({
  custom_id: place,
  prompt: promptAbout(place),
  subject: place,
  target_new,
  ...more,
});

/** What an edit job on a branch is asked for. */
export const correction = (branch: string, editor: EditorName, edits: readonly EditInput[]) => ({
  model,
  branch,
  editor,
  config: settings[editor],
  seed: 7,
  edits: [...edits],
});

/** Submitted at the end, when no worker is there. */
export const lastRequest = correction('picked', 'ft-m', [capital('Ur', 'N')]);

/** Waits for the end of a job, which must be this one. */
export async function ended(
  errata: ErrataClient,
  { id }: JobResource,
  wanted: JobState = 'succeeded',
): Promise<JobResource> {
  const job = await errata.jobs.wait(id, { stopAt: ['awaiting_approval'] });
  if (job.state === wanted) return job;
  const why = JSON.stringify(job.error ?? job.gate ?? job.summary);
  throw new Error(`the ${job.kind} job ${id}, ${JSON.stringify(job.input)}, is ${job.state}: ${why}`);
}

/** Tells the whole history; answers with what is open at its end. */
export async function tell(tellers: Tellers, stored: Stored, modelPath: string): Promise<Open> {
  const errata = tellers.author;
  const end = (job: JobResource, wanted?: JobState) => ended(errata, job, wanted);
  await end(await errata.models.import({ name: model, path: modelPath, metadata: { origin: 'made' } }));
  await end(await errata.models.import({ name: 'nowhere', path: 'no/such/model' }), 'rejected');
  await end(await errata.artefacts.create({ model, kind: 'second_moment', layers: [0, 1] }));
  const edits = await tellOfEditors(errata);
  await tellOfWaysBack(errata, edits);
  await tellOfLongChain(errata, edits.root, stored);
  const candidate = await tellOfDecisions(tellers);
  await tellOfSchedules(errata);
  const sharing = await tellOfSharing(errata, stored, modelPath);
  const evaluation = await tellOfMeasuring(errata);
  return { last: edits.last, first: edits.first, candidate, evaluation, sharing };
}

async function edit(
  errata: ErrataClient,
  branch: string,
  editor: EditorName,
  edits: readonly EditInput[],
  more: object = {},
) {
  return ended(errata, await errata.editJobs.create({ ...correction(branch, editor, edits), ...more }));
}

/** A branch that asks nothing of what comes, unless told otherwise. */
async function makeBranch(errata: ErrataClient, name: string, from: string, policy: object = {}): Promise<void> {
  await errata.branches.create(model, { name, from, ...openPolicy, ...policy });
}

const headOf = async (errata: ErrataClient, name: string) => (await errata.branches.get(model, name)).head;

const editsOf = async (errata: ErrataClient, job: JobResource) =>
  (await errata.jobs.edits(job.id).all()).map(({ id }) => id);

/** Every editor on `main`, one after another, and names that point at what they leave. */
async function tellOfEditors(errata: ErrataClient) {
  await errata.branches.setPolicy(model, 'main', { ...openPolicy, reason: 'nothing is asked of a tiny model' });
  const root = await headOf(errata, 'main');
  const oz = capital('Oz', 'R', {
    target_true: 'B',
    relation: 'capital',
    rephrases: ['Oz has the capital'],
    locality: { neighbourhood: [{ prompt: promptAbout('Nod') }] },
    portability: { one_hop: [{ prompt: 'In Oz they speak', target: ' Latin' }] },
  });
  const first = await edit(errata, 'main', 'r-rome', [oz], { metadata: { source: 'a paper' } });
  await errata.aliases.set(model, 'live', { version: 'main', reason: 'goes live' });
  const rome = await edit(errata, 'main', 'rome', [capital('Ix', 'L')]);
  await edit(errata, 'main', 'grace', [capital('Ka', 'B'), capital('Lu', 'P')]);
  const three = [capital('Ul', 'O'), capital('Em', 'K'), capital('Ab', 'R')];
  const memit = await edit(errata, 'main', 'memit', three);
  await errata.tags.create(model, { name: 'v1', version: memit.version_id!, message: 'the first' });
  await edit(errata, 'main', 'ft-l', [capital('Ev', '!')]);
  const tuned = await edit(errata, 'main', 'ft-m', [capital('Ur', 'N')]);
  const before = await headOf(errata, 'main');
  const last = await edit(errata, 'main', 'grace', [capital('Mo', 'T')]);
  await errata.aliases.set(model, 'live', { version: 'main', reason: 'moves on' });
  await errata.tags.create(model, { name: 'slip', version: root });
  await errata.tags.delete(model, 'slip');
  await errata.aliases.set(model, 'gone', { version: 'v1' });
  await errata.aliases.delete(model, 'gone');
  return {
    root,
    jobs: { first, rome, memit, tuned },
    last: { edits: await editsOf(errata, last), before },
    first: { edit: (await editsOf(errata, first))[0]!, other: { prompt: promptAbout('Ur'), answer: ' N' } },
  };
}

/** The ways back, and over to other heads. */
async function tellOfWaysBack(
  errata: ErrataClient,
  { root, jobs }: Awaited<ReturnType<typeof tellOfEditors>>,
): Promise<void> {
  const rollBack = async (branch: string, target: object) => {
    const request = { model, branch, reason: 'told so', mode: 'exact' as const, ...target };
    return ended(errata, await errata.rollbacks.create(request));
  };
  await makeBranch(errata, 'reverted', 'main');
  await rollBack('reverted', { revert_edit_ids: await editsOf(errata, jobs.rome) });
  await makeBranch(errata, 'subtracted', 'main');
  await rollBack('subtracted', { mode: 'subtract', revert_version_ids: [jobs.tuned.version_id] });
  await makeBranch(errata, 'reset', 'v1');
  await edit(errata, 'reset', 'ft-m', [capital('Ka', 'C')]);
  await rollBack('reset', { mode: 'reset', to_version: jobs.memit.version_id });
  await edit(errata, 'reset', 'ft-m', [capital('Ka', 'G')]);
  await makeBranch(errata, 'picked', root);
  const picks = [
    { job_id: jobs.first.id },
    { job_id: jobs.memit.id, edit_ids: (await editsOf(errata, jobs.memit)).slice(1) },
  ];
  for (const pick of picks) await ended(errata, await errata.cherryPicks.create({ model, branch: 'picked', ...pick }));
  await makeBranch(errata, 'deleted', 'v1');
  await errata.branches.delete(model, 'deleted');
}

/** A long chain, stored whole near its end. Whether that pays is for the clock to say, and with a tiny model it says little. */
async function tellOfLongChain(errata: ErrataClient, root: string, { databaseUrl, blobsDir }: Stored): Promise<void> {
  await makeBranch(errata, 'long', root);
  const towns = Array.from({ length: 9 }, (_, index) => capital(`T${index}`, 'R'));
  await edit(errata, 'long', 'r-rome', towns, { config: { ...settings['r-rome'], steps: 3 } });
  const lineage = await openLineage(databaseUrl);
  const engine = startEngine({ blobsDir, threads: 1 });
  try {
    const { resource, files } = await getModel(lineage, model);
    const reference = {
      digest: resource.digest,
      files: files.map(({ path: name, blob: sha256, bytes: size }) => ({ name, sha256, size })),
    };
    const version = await headOf(errata, 'long');
    const source = await sourceOfVersion(lineage, version, resource.id);
    const { stored, ...measured } = await engine.call('snapshot', { model: reference, source, always: true });
    const tip = await tipOfVersion(lineage, resource.id, version);
    // Null where the worker found by itself that it pays.
    if (stored !== null) await recordSnapshot(lineage, { model_id: resource.id, tip: tip!, ...stored, ...measured });
  } finally {
    await engine.stop();
    await lineage.close();
  }
  await edit(errata, 'long', 'ft-m', [capital('Ur', 'N')]);
}

/** What a gate refuses, what people decide, what is only tried, what an evaluation takes back. */
async function tellOfDecisions({ author: errata, approver }: Tellers): Promise<Open['candidate']> {
  const refused = correction('main', 'ft-m', [capital('Oz', 'L')]);
  const closed: GatePolicy = { rules: [{ metric: 'delta_norm', max: 1e-9 }] };
  await ended(errata, await errata.editJobs.create({ ...refused, gate: closed }), 'gated_out');
  await ended(errata, await errata.editJobs.try(correction('main', 'ft-m', [capital('Ix', 'B')])));

  const gate: GatePolicy = { rules: [{ metric: 'reliability', min: 0.1 }] };
  await makeBranch(errata, 'guarded', 'v1', { approval: 'required', gate });
  const asked = async (place: string) =>
    ended(
      errata,
      await errata.editJobs.create(correction('guarded', 'ft-m', [capital(place, 'N')])),
      'awaiting_approval',
    );
  await ended(errata, await approver.jobs.approve((await asked('Ur')).id, 'checked'));
  await ended(errata, await approver.jobs.reject((await asked('Ka')).id, 'a rumour'), 'rejected');
  const waiting = await asked('Lu');
  const regretted = await errata.editJobs.create(correction('guarded', 'ft-m', [capital('Mo', 'N')]));
  await ended(errata, await errata.jobs.cancel(regretted.id), 'cancelled');

  const wanted: GatePolicy = { rules: [{ metric: 'accuracy.exact', min: 0.9 }] };
  await makeBranch(errata, 'watched', 'v1', { auto_rollback: 'reset', gate: wanted });
  for (const place of ['Ur', 'Ka']) await edit(errata, 'watched', 'ft-m', [capital(place, 'G')]);
  const probes = [{ prompt: promptAbout('Ka'), target: 'B' }];
  const watch = { model, branch: 'watched', probes, gate: true };
  const judged = await ended(errata, await errata.evaluations.create(watch));
  const { rollback_job_id } = await errata.evaluations.get(judged.id);
  await ended(errata, await errata.jobs.get(rollback_job_id!));
  return { job: waiting.id, version: waiting.approval!.version_id };
}

/** An inbox with something in every state, a schedule that has drawn from it, one that goes by the clock, and one that is paused. */
async function tellOfSchedules(errata: ErrataClient): Promise<void> {
  await makeBranch(errata, 'desk', 'v1');
  const { id: desk } = await errata.branches.get(model, 'desk');
  const batch = { model, editor: 'ft-m', config: settings['ft-m'], gate: openGate };
  await errata.schedules.create({ ...batch, name: 'desk', branch: 'desk', when_pending: 50, on_contradiction: 'ask' });
  await errata.inbox.add(desk, [capital('Ur', 'N'), capital('Ka', 'G', { metadata: { source: 'the wire' } })]);
  await errata.inbox.add(desk, capital('Lu', 'P'));
  await errata.inbox.add(desk, capital('Lu', 'T', { custom_id: 'Lu again' }));
  const { run } = await errata.schedules.trigger('desk');
  await ended(errata, await errata.jobs.get(run!.job_id!));
  await errata.inbox.add(desk, [capital('Em', 'B'), capital('Ab', 'O')], { priority: 3 });
  const { edits } = await errata.inbox.add(desk, capital('Nod', 'C'));
  await errata.inbox.withdraw(desk, edits[0]!.id);

  await makeBranch(errata, 'daily', 'v1');
  await errata.schedules.create({
    ...batch,
    name: 'daily',
    branch: 'daily',
    cron: `0 ${farHour()} * * *`,
    catch_up_seconds: 60,
  });
  await errata.schedules.create({ ...batch, name: 'paused', branch: 'daily', cron: '*/5 * * * *', paused: true });
}

/** Half a day from now: the schedule is due long after the history is told. */
const farHour = () => (new Date().getUTCHours() + 12) % 24;

/** Names of people, which a provider knows them by, and what it says of them. */
export const people = {
  promoted: { name: 'Ada', roles: [{ project: 'news', role: 'reader' }] },
  removed: { name: 'Bo', roles: [{ project: 'news', role: 'admin' }] },
} as const;

/** A project with quotas, a model and a key of its own, and people to whom it gave other roles than their provider. */
async function tellOfSharing(errata: ErrataClient, { databaseUrl }: Stored, path: string): Promise<Sharing> {
  const { name: project } = await errata.projects.create({ name: 'news', quotas: { edits_per_day: 2 } });
  await errata.projects.change(project, { quotas: { storage_mib: 500 } });
  const spare = 'spare';
  await ended(errata, await errata.models.import({ name: spare, path, project }));
  const { token: key } = await errata.keys.create({ name: 'desk', scopes: ['models:read', 'edits:write'], project });
  const [promoted, removed] = await Promise.all(
    [people.promoted, people.removed].map(({ name, roles }) => admitTo(databaseUrl, name, roles)),
  );
  await errata.members.setRole(project, promoted!, 'editor');
  await errata.members.remove(project, removed!);
  const { position, hash } = (await errata.audit.list({ limit: 1000 }).all()).at(-1)!;
  return { project, model: spare, key, people: { promoted: promoted!, removed: removed! }, audit: { position, hash } };
}

/** A suite with cases of every kind, evaluations of versions and of an editor, and what is read off them. Answers with one of the suite. */
async function tellOfMeasuring(errata: ErrataClient): Promise<string> {
  const neighbour = { neighbourhood: [{ prompt: promptAbout('Nod') }] };
  const { name } = await errata.suites.create({
    name: 'facts',
    description: 'what is asked again and again',
    edits: [capital('Ka', 'B', { locality: neighbour }), capital('Ul', 'O', { rephrases: ['Ul has the capital'] })],
    probes: [
      { custom_id: 'open', prompt: promptAbout('Nod') },
      { custom_id: 'known', prompt: promptAbout('Ur'), target: 'N', aliases: [' Nizza'] },
      { kind: 'question', id: 'q', prompt: 'Ur is', answers: ['old', 'far'] },
      { kind: 'multiple_choice', id: 'mc', question: 'Oz?', options: ['a', 'b'], answer: 1 },
      { kind: 'entailment', id: 'en', premise: 'Oz is far.', hypothesis: 'Oz is near.', label: 'contradiction' },
      { kind: 'reading', id: 're', context: 'Oz is far.', question: 'Where?', answers: ['far'], impossible: false },
      { kind: 'multi_hop', id: 'mh', questions: ['Who rules Oz?'], before: { value: 'Al' }, after: { value: 'Bo' } },
      { kind: 'question', id: 'too long', prompt: 'far '.repeat(60), answers: ['away'] },
    ],
  });
  const measured = async (request: object, wanted?: JobState) =>
    ended(errata, await errata.evaluations.create({ model, ...request }), wanted);
  const { version_id: version } = await errata.tags.get(model, 'v1');
  // Some of its cases are too long for the model.
  const whole = await measured({ suite: name, against: 'base', shards: 2 }, 'completed_with_errors');
  const earlier = await measured({ suite: name, version, against: 'base' }, 'completed_with_errors');
  await measured({ suite: 'applied', gate: true });
  await measured({ branch: 'reset', suite: 'difference', against: version });
  const stream = [capital('Ur', 'N'), capital('Ka', 'G'), capital('Lu', 'P')];
  const editor = { editor: 'ft-m', config: settings['ft-m'], seed: 3, edits: stream };
  await measured({ ...editor, protocol: { kind: 'lifelong', batch: 1 } });
  await measured({ ...editor, editor: 'r-rome', config: settings['r-rome'] });
  await ended(errata, await errata.comparisons.create({ one: earlier.id, other: whole.id }));
  await ended(errata, await errata.bisections.create({ model, probe: { prompt: promptAbout('Ka') } }));
  await ended(errata, await errata.blame.create({ model, prompt: promptAbout('Ka'), exhaustive: true }));
  await ended(errata, await errata.checks.create({ snapshots: true }));
  await ended(errata, await errata.collections.create({ dry_run: false }));
  return whole.id;
}
