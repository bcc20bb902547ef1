// Nothing is lost: what builds of before have left opens in this one, says what it said, and can be gone on with.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { openLineage, openSession } from '@errata/lineage';
import { createErrata, type ErrataClient } from '@errata/sdk';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSettings as readApiSettings, startApi } from '../../apps/api/src/index.ts';
import { readSettings as readWorkerSettings, startWorker } from '../../apps/worker/src/index.ts';
import { createTestDatabase } from '../support/database.ts';
import { admitTo } from '../support/people.ts';
import { restore, type Stored } from './archive.ts';
import { type Answers, ask, differences, fixtures, openEach } from './questions.ts';
import { capital, correction, ended, model, people, settings } from './story.ts';

const log = pino({ level: 'silent' });

describe.each(await readdir(fixtures))('what the build of %s left', (name) => {
  const closers: (() => Promise<unknown>)[] = [];
  let answers: Answers;
  let stored: Stored;
  let url: string;
  let errata: ErrataClient;
  const clientOf = (apiKey: string) => createErrata({ baseUrl: url, apiKey });
  const headOf = async (branch: string) => (await errata.branches.get(model, branch)).head;
  const fsck = async () => {
    const { result } = await ended(errata, await errata.checks.create({ snapshots: true }));
    expect(result).toMatchObject({ ok: true, problems: [] });
  };

  /** What the browser of a person is answered. */
  async function statusFor(person: string, path: string): Promise<number> {
    const lineage = await openLineage(stored.databaseUrl, { poolSize: 1 });
    const { token } = await openSession(lineage, person).finally(() => lineage.close());
    const cookie = `errata_session_${new URL(url).port}=${token}`;
    return (await fetch(url + path, { headers: { cookie } })).status;
  }

  beforeAll(async () => {
    answers = JSON.parse(gunzipSync(await readFile(join(fixtures, name, 'answers.json.gz'))).toString());
    const folder = await mkdtemp(join(tmpdir(), 'errata-upgrade-'));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    const database = await createTestDatabase();
    closers.push(() => database.drop());
    stored = await restore(join(fixtures, name, 'data.tar.gz'), database.url, folder);
    // A retry comes soon, or does not count as one.
    await database.query('UPDATE idempotency_keys SET claimed_at = now(), completed_at = now()');
    const environment = { DATABASE_URL: database.url, BLOBS_DIR: stored.blobsDir, PORT: '0', ERRATA_THREADS: '1' };
    const api = await startApi(readApiSettings(environment), log);
    closers.push(() => api.close());
    url = api.url;
    errata = clientOf(answers.keys.author);
    startWorking = async () => {
      const worker = await startWorker(readWorkerSettings({ ...environment, WORKER_NAME: 'upgrade' }), log);
      closers.push(() => worker.stop());
    };
  });
  let startWorking: () => Promise<void>;
  afterAll(async () => {
    for (const close of closers.reverse()) await close();
  });

  test('what was answered is answered alike', async () => {
    const different: string[] = [];
    for (let from = 0; from < answers.answered.length; from += 16) {
      const found = answers.answered.slice(from, from + 16).map(async ({ answer, ...question }) => {
        const now = await ask({ url, token: answers.keys.author }, question).catch(String);
        const about = `${question.path} ${JSON.stringify(question.body) ?? ''}`;
        return differences(answer, now).map((what) => `${about} ${what}`);
      });
      different.push(...(await Promise.all(found)).flat());
    }
    expect(different).toEqual([]);
  });

  test('every version has its weights, bit for bit, and its logits', async () => {
    const versions = answers.opened.map(({ version }) => version);
    expect(differences(answers.opened, await openEach(stored, model, versions))).toEqual([]);
  });

  test('versions name the artefacts that their edits were made with', async () => {
    const { artefacts } = await errata.versions.manifest(await headOf('main'));
    const { job_id } = await errata.edits.get(answers.open.first.edit);
    // Builds that came later name the prefixes, too.
    const moments = artefacts.filter(({ kind }) => kind === 'second_moment');
    expect(moments).toMatchObject([{ scope: 'layer 0' }]);
    expect(moments[0]!.job_ids).toContain(job_id);
    expect((await errata.artefacts.get(moments[0]!.id)).blob).toBe(moments[0]!.blob);
  });

  test('keys open what they opened', async () => {
    const { reader, revoked } = answers.keys;
    // Models that were given to no project are the default one's, and keys that are for none reach the whole service.
    expect(await errata.projects.get('default')).toMatchObject({ models: 1 });
    const keys = await errata.keys.list().all();
    for (const of of ['author', 'approver', 'reader'])
      expect(keys.find((key) => key.name === of)).toMatchObject({ project_id: null, models: null });
    expect((await clientOf(reader).models.get(model)).name).toBe(model);
    await expect(clientOf(reader).editJobs.create(answers.open.queued.request)).rejects.toMatchObject({
      code: 'missing_scope',
    });
    await expect(clientOf(revoked).models.get(model)).rejects.toMatchObject({ status: 401 });
  });

  test('projects own, bound and let in as they did, and the audit log goes on from where it was', async ({ skip }) => {
    const { sharing } = answers.open;
    if (sharing === undefined) return skip('its build knew of no projects');
    const { project, key, audit } = sharing;
    const desk = clientOf(key);
    expect((await desk.models.get(sharing.model)).name).toBe(sharing.model);
    await expect(desk.models.get(model)).rejects.toMatchObject({ code: 'model_out_of_reach' });
    const many = correction(
      'main',
      'ft-m',
      ['Ur', 'Ka', 'Lu'].map((place) => capital(place, 'N')),
    );
    await expect(desk.editJobs.create({ ...many, model: sharing.model })).rejects.toMatchObject({
      code: 'quota_exceeded',
      details: { project, quota: 'edits_per_day', limit: 2 },
    });
    const [entry] = (await errata.audit.list({ after: String(audit.position - 1), limit: 1 }).page()).data;
    expect(entry).toMatchObject(audit);
    // The provider vouches for the same people again, and says the same of them.
    for (const [who, status] of [
      ['promoted', 200],
      ['removed', 403],
    ] as const) {
      const id = sharing.people[who];
      expect(await admitTo(stored.databaseUrl, people[who].name, people[who].roles)).toBe(id);
      expect(await statusFor(id, `/v1/models/${sharing.model}`)).toBe(status);
    }
  });

  test('a request that was sent before is not carried out again', async () => {
    const jobs = async () => (await errata.jobs.list().all()).length;
    const before = await jobs();
    const { job, key, request } = answers.open.queued;
    expect(await errata.editJobs.create(request, { idempotencyKey: key })).toMatchObject({ id: job });
    expect(await jobs()).toBe(before);
  });

  test('the work that waited is done, and everything is there', async () => {
    await startWorking();
    const { version_id } = await ended(errata, await errata.jobs.get(answers.open.queued.job));
    expect(await headOf('picked')).toBe(version_id);
    await fsck();
  });

  test('a candidate that waited is let through as it was made', async () => {
    const { job, version } = answers.open.candidate;
    await ended(errata, await clientOf(answers.keys.approver).jobs.approve(job, 'seen again'));
    expect(await headOf('guarded')).toBe(version);
  });

  test('an inbox is drawn from, and schedules are due', async () => {
    const { pending, branch_id } = await errata.schedules.get('desk');
    expect(pending).toBeGreaterThan(0);
    const { run } = await errata.schedules.trigger('desk');
    expect(run).toMatchObject({ outcome: 'submitted', counts: { drawn: pending } });
    const job = await ended(errata, await errata.jobs.get(run!.job_id!));
    expect(await headOf('desk')).toBe(job.version_id);
    expect(await errata.inbox.list(branch_id, { state: 'pending' }).all()).toEqual([]);

    const due = async () => Date.parse((await errata.schedules.get('daily')).next_due_at!);
    // What was missed meanwhile is noticed first.
    while ((await due()) < Date.now()) await sleep(50);
    expect(await errata.schedules.get('paused')).toMatchObject({ paused: true, next_due_at: null });
  });

  test('its last edits are taken back to the very version before, and an early one by making the later ones again', async () => {
    const { last, first } = answers.open;
    const revert = async (revert_edit_ids: readonly string[]) => {
      const request = { model, mode: 'exact' as const, revert_edit_ids: [...revert_edit_ids], reason: 'a test' };
      return ended(errata, await errata.rollbacks.create(request));
    };
    expect(await revert(last.edits)).toMatchObject({ version_id: last.before });
    await revert([first.edit]);
    const active = async (id: string) => (await errata.edits.get(id)).active_on.map(({ branch }) => branch);
    expect(await active(first.edit)).not.toContain('main');
    const { prompt, answer } = first.other;
    const { choices } = await errata.completions.create({ model, prompt, max_tokens: answer.length, temperature: 0 });
    expect(choices).toMatchObject([{ text: answer }]);
  });

  test('every editor goes on from there, and so do measuring and searching', async () => {
    for (const editor of Object.keys(settings) as (keyof typeof settings)[]) {
      const { id } = await errata.editJobs.create(correction('main', editor, [capital(`New ${editor}`, 'Q')]));
      await ended(errata, await errata.jobs.get(id));
    }
    // Second moments as they are measured today, and the prefixes, beside what the earlier edits were made with.
    const { artefacts } = await errata.versions.manifest(await headOf('main'));
    const named = new Set(artefacts.map(({ kind, scope }) => `${kind} of ${scope}`));
    expect([...named].sort()).toEqual(['context_prefixes of model', 'second_moment of layer 0']);
    const { evaluation } = answers.open;
    const { suite, against, cases } = await errata.evaluations.get(evaluation);
    const again = await errata.evaluations.create({ model, suite: suite.name!, against: against.version_id });
    await ended(errata, again, 'completed_with_errors');
    expect(await errata.evaluations.get(again.id)).toMatchObject({ cases });
    await ended(errata, await errata.comparisons.create({ one: evaluation, other: again.id }));
    await ended(errata, await errata.bisections.create({ model, probe: { prompt: answers.open.first.other.prompt } }));
    await fsck();
  });
});
