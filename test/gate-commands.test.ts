// errata gate, approve and reject as a person runs them, against a service.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { acquireLease, awaitApproval, openBranchWork, releaseLease, takeNextJob, upon } from '@errata/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiFixture, anEdit, madeResult, openApi } from './support/api.ts';

const bin = fileURLToPath(new URL('../apps/cli/bin/errata.js', import.meta.url));
let api: ApiFixture;
let model: Awaited<ReturnType<ApiFixture['importModel']>>;
let url: string;
let folder: string;
beforeAll(async () => {
  api = await openApi();
  model = await api.importModel('atlas');
  url = await api.app.listen({ port: 0, host: '127.0.0.1' });
  folder = await mkdtemp(join(tmpdir(), 'errata-gate-'));
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

const errata = (key: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: '1', ERRATA_URL: url, ERRATA_API_KEY: key };
    execFile(process.execPath, [bin, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });

test('a policy is shown, changed in parts, and its changes are told with their reasons', async () => {
  const file = join(folder, 'gate.json');
  await writeFile(
    file,
    JSON.stringify({ rules: [{ metric: 'locality', min: 0.5 }], canaries: [{ prompt: 'Sky is' }] }),
  );
  const changed = await errata(
    api.key,
    ...['gate', 'set', 'atlas', '--reason', 'for service', '--file', file, '--rule', 'reliability/each>=0.4'],
    ...['--canary', 'Two and two is => four', '--on-failure', 'bisect', '--approval', 'required', '--protect'],
  );
  expect(changed.code).toBe(0);
  for (const part of [
    'policy 2',
    'for service',
    'locality>=0.5  reliability/each>=0.4  canaries_kept>=1',
    '"Two and two is" => "four"',
    'bisect: apply what passes',
    'by a second person',
    'yes: no resets, no deletion',
  ])
    expect(changed.stdout).toContain(part);
  const less = ['gate', 'set', 'atlas', '--reason', 'less', '--drop', 'locality', '--drop-canary', 'Sky is', '--json'];
  const { gate } = JSON.parse((await errata(api.key, ...less)).stdout);
  expect(gate).toEqual({
    rules: [{ metric: 'reliability', each: true, min: 0.4 }],
    canaries: [{ prompt: 'Two and two is', answer: 'four' }],
    on_failure: 'bisect',
  });
  const log = await errata(api.key, 'gate', 'log', 'atlas');
  expect([...log.stdout.matchAll(/policy (\d)/g)].map(([, revision]) => revision)).toEqual(['3', '2', '1']);

  await writeFile(file, JSON.stringify({ rules: [{ metric: 'loyalty', min: 0.5 }] }));
  const wrong = await errata(api.key, 'gate', 'set', 'atlas', '--reason', 'x', '--file', file);
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('rules.0.metric') });
});

test('a job that waits is approved by another, and one more is rejected', async () => {
  const author = await api.keyWith('models:read', 'edits:write', 'approve');
  const reviewer = await api.keyWith('models:read', 'approve');
  for (const verb of ['approve', 'reject'] as const) {
    const { body } = await api.post('/v1/edit_jobs', { model: 'atlas', edits: [anEdit(verb)] }, { token: author });
    await setAside(body.id);
    const shown = await errata(reviewer, 'jobs', 'follow', body.id);
    expect(shown).toMatchObject({ code: 5, stdout: expect.stringContaining(`errata approve ${body.id}`) });
    if (verb === 'approve') {
      const own = await errata(author, 'approve', body.id, '--reason', 'mine');
      expect(own).toMatchObject({ code: 1, stderr: expect.stringContaining('self_approval') });
      const approved = await errata(reviewer, 'approve', body.id, '--reason', 'checked', '--no-wait');
      expect(approved).toMatchObject({ code: 0, stdout: expect.stringContaining(`queued ${body.id}`) });
      await api.post(`/v1/jobs/${body.id}/cancel`, {});
    } else {
      const rejected = await errata(reviewer, 'reject', body.id, '--reason', 'not so');
      expect(rejected).toMatchObject({ code: 0, stdout: expect.stringContaining('approval_denied: rejected: not so') });
    }
  }
});

/** Brings a job to where it waits, as a worker does. */
async function setAside(jobId: string) {
  const lease = (await acquireLease(api.lineage, model.lane, `holder ${jobId}`, 60_000))!;
  const job = (await takeNextJob(api.lineage, lease))!;
  expect(job.id).toBe(jobId);
  const { parent, edits, branch } = await openBranchWork(api.lineage, job);
  await awaitApproval(api.lineage, lease, {
    jobId,
    from: 'running',
    parent: parent.version,
    kind: 'edit',
    ground: upon(
      parent.ground,
      edits.map(({ id }) => ({
        job_id: jobId,
        edit_ids: [id],
        deltas: [{ kind: 'low_rank', blob: '0'.repeat(64) }],
        bytes: 10,
      })),
    ),
    outcome: 'succeeded',
    summary: null,
    gate: { passed: true, findings: [] },
    editResults: edits.map(({ edit }) => madeResult(edit.custom_id)),
    policyRevision: branch.policy_revision,
  });
  await releaseLease(api.lineage, lease);
}
