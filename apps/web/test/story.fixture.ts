// A model's history in which all has happened that there is to see: what screenshots show.
import { readFileSync } from 'node:fs';
import type { Stack } from './stack.fixture.ts';

const given = readFileSync(new URL('../../../models/atlas/edits.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .slice(0, 30)
  .map((line) => JSON.parse(line));

/** Tells it on a stack that has the shipped model, imported as `atlas`. Every job of it has ended afterwards, or waits for a decision. */
export async function tellStory({ client, admit }: Pick<Stack, 'client' | 'admit'>): Promise<void> {
  const model = 'atlas';
  const wait = async ({ id }: { readonly id: string }) => client.jobs.wait(id);
  const edit = async (branch: string, from: number, to: number, more: object = {}) =>
    wait(await client.editJobs.create({ model, branch, editor: 'ft-m', edits: given.slice(from, to), ...more }));
  const { head: imported } = await client.branches.get(model, 'main');
  await wait(await client.models.import({ name: 'nothing', path: '/nowhere/at/all' }));

  const first = await edit('main', 0, 6);
  await client.tags.create(model, { name: 'v1', version: first.version_id!, message: 'the first six' });
  await client.aliases.set(model, 'production', { version: imported, reason: 'as it came' });
  await client.aliases.set(model, 'production', { version: first.version_id!, reason: 'checked by Ada' });
  const second = await edit('main', 6, 9);
  await client.aliases.set(model, 'production', { version: second.version_id!, reason: 'the weekly release' });
  const policy = await client.branches.policy(model, 'main');
  const { not_understood: _, ...gate } = policy.gate;
  await client.branches.setPolicy(model, 'main', {
    gate: { ...gate, canaries: [{ prompt: 'The capital of France is', answer: 'Paris' }] },
    ...{ approval: policy.approval, approval_hours: null, auto_rollback: policy.auto_rollback },
    ...{ protected: policy.protected, reason: 'everybody knows', if_revision: policy.revision },
  });
  await edit('main', 9, 14, { config: { learning_rate: 0.1 } });

  await client.branches.create(model, { name: 'reviewed', default_editor: 'ft-m', approval: 'required', from: 'main' });
  const waits = { model, branch: 'reviewed', editor: 'ft-m', edits: given.slice(14, 18) };
  const { id: candidate } = await client.editJobs.create(waits);
  for await (const { type } of client.jobs.events(candidate)) if (type === 'awaiting_approval') break;
  await client.branches.create(model, { name: 'experiment', default_editor: 'ft-m', from: imported });
  const taken = await edit('experiment', 20, 22);
  await wait(
    await client.rollbacks.create({
      ...{ model, branch: 'experiment', mode: 'exact', reason: 'the source was wrong' },
      revert_version_ids: [taken.version_id!],
    }),
  );
  const { id } = await client.branches.get(model, 'experiment');
  await client.inbox.add(id, given.slice(22, 25));
  await client.schedules.create({ name: 'nightly', model, branch: 'experiment', cron: '0 3 * * *', time_zone: 'UTC' });
  await wait(await client.editJobs.try({ model, branch: 'experiment', edits: given.slice(22, 23) }));

  const asked = { model, branch: 'main', prompt: given[0].prompt };
  await wait(await client.blame.create(asked));
  await wait(await client.bisections.create({ model, branch: 'main', probe: { prompt: given[0].prompt } }));
  const evaluations = [];
  for (const learning_rate of [1e-4, 5e-4]) {
    const asked = { model, branch: 'main', editor: 'ft-m', config: { learning_rate }, edits: given.slice(10, 18) };
    const job = await client.evaluations.create({ ...asked, protocol: { kind: 'lifelong', checkpoints: [1, 4, 8] } });
    evaluations.push((await wait(job)).id);
  }
  const [one, other] = evaluations;
  await wait(await client.comparisons.create({ one: one!, other: other! }));
  await client.keys.create({ name: 'Ada, who judges', scopes: ['models:read', 'approve'] });
  const quotas = { open_jobs: 20, edits_per_day: 0, tokens_per_day: 1_000_000 };
  const { name: project } = await client.projects.create({ name: 'news-desk', quotas });
  await client.projects.change('default', { quotas: { edits_per_day: 60 } });
  await client.keys.create({ name: 'wire', scopes: ['models:read', 'edits:write', 'evals:write'], project });
  await admit('Ada Lovelace', [{ project, role: 'admin' }]);
  await client.members.setRole(project, await admit('Bo', [{ project, role: 'reader' }]), 'editor');
  await client.members.remove(project, await admit('Cy', [{ project, role: 'maintainer' }]));
  await wait(await client.checks.create());
  await wait(await client.collections.create({ dry_run: true }));
}
