// What a service does all day, in rounds: corrections by several editors, reads, reverts, resets, evaluations, collections, checks.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { EditInput, JobResource } from '@errata/contracts';
import type { ErrataClient } from '@errata/sdk';

const shipped = fileURLToPath(new URL('../../models/atlas', import.meta.url));
const model = 'atlas';
const editors = ['r-rome', 'ft-m', 'grace', 'memit', 'retrieval'] as const;
const perBatch = 2;

export interface Done {
  jobs: number;
  edits: number;
  reads: number;
  /** Jobs that ended otherwise than they should. */
  readonly unexpected: Map<string, number>;
}

/** Imports atlas, and answers with what goes through one round after another. */
export async function openWorkload(errata: ErrataClient) {
  const done: Done = { jobs: 0, edits: 0, reads: 0, unexpected: new Map() };
  const corrections = (await readFile(`${shipped}/edits.jsonl`, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line): EditInput => JSON.parse(line));

  async function end(queued: JobResource): Promise<JobResource> {
    const job = await errata.jobs.wait(queued.id);
    done.jobs += 1;
    if (job.state !== 'succeeded') {
      const what = `${job.kind} ${job.state} ${job.error?.code ?? ''}`.trim();
      done.unexpected.set(what, (done.unexpected.get(what) ?? 0) + 1);
    }
    return job;
  }

  await end(await errata.models.import({ name: model, path: shipped }));
  await end(await errata.artefacts.create({ model, kind: 'second_moment' }));
  await errata.branches.setPolicy(model, 'main', {
    gate: { rules: [] },
    approval: 'none',
    approval_hours: null,
    auto_rollback: 'off',
    protected: false,
    reason: 'a soak',
  });
  const { head: root } = await errata.branches.get(model, 'main');

  async function edit(round: number): Promise<JobResource> {
    const edits = Array.from({ length: perBatch }, (_, index) => {
      const at = (round * perBatch + index) % corrections.length;
      return { ...corrections[at]!, custom_id: `${round}-${index}` };
    });
    done.edits += edits.length;
    return end(await errata.editJobs.create({ model, editor: editors[round % editors.length]!, edits, seed: round }));
  }

  async function read(job: JobResource): Promise<void> {
    const { head } = await errata.branches.get(model, 'main');
    const asked = [
      errata.branches.log(model, 'main').page(),
      errata.versions.get(head),
      errata.versions.manifest(head),
      errata.jobs.list({ model }).page(),
      errata.jobs.edits(job.id).page(),
      errata.models.list().page(),
      ...corrections
        .slice(0, 5)
        .map(({ prompt }) => errata.completions.create({ model, prompt, max_tokens: 8, temperature: 0 })),
    ];
    done.reads += (await Promise.all(asked)).length;
  }

  const rollBack = (target: object) =>
    errata.rollbacks.create({ model, branch: 'main', reason: 'a soak', mode: 'exact', ...target });

  return {
    done,
    async round(round: number): Promise<void> {
      const job = await edit(round);
      await read(job);
      if (round % 3 === 2) {
        const [first] = await errata.jobs.edits(job.id).all(1);
        await end(await rollBack({ revert_edit_ids: [first!.id] }));
      }
      if (round % 20 === 19) {
        await end(await errata.evaluations.create({ model, suite: 'applied', against: 'base' }));
        await end(await rollBack({ mode: 'reset', to_version: root }));
        await end(await errata.collections.create({ dry_run: false, grace_hours: 0.05 }));
      }
      if (round % 100 === 99) {
        const { result } = await end(await errata.checks.create());
        if (result?.ok !== true) done.unexpected.set('a check that finds problems', 1);
      }
    },
  };
}
