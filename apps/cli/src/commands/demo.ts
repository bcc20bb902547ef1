// errata demo: the whole main job on the shipped model, from corrections to undo, on a stack of its own that is gone afterwards.
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EditRecord, JobResource } from '@errata/contracts';
import { ErrataError } from '@errata/contracts';
import { createErrata, type ErrataClient } from '@errata/sdk';
import type { Command } from 'commander';
import colors from 'picocolors';
import { followJob, outcomeOf } from '../follow.ts';
import { costLine, metricsTable } from '../metrics-table.ts';
import { progressLine, table } from '../output.ts';
import { startStack } from '../stack.ts';

const atlas = fileURLToPath(new URL('../../../../models/atlas', import.meta.url));
const model = 'atlas';
const batchSize = 24;

export function register(program: Command): void {
  program
    .command('demo')
    .description('run the whole main job on the shipped model, then stop everything')
    .action(async () => {
      // The database may have to run as another user, who must be able to enter.
      const dataDir = await mkdtemp(join(tmpdir(), 'errata-demo-'));
      await chmod(dataDir, 0o755);
      const startedAt = Date.now();
      const progress = progressLine();
      let stop = async () => {};
      const cleanUp = async () => {
        await stop();
        await rm(dataDir, { recursive: true, force: true });
      };
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
      }
      try {
        const stack = await startStack({
          dataDir,
          workers: 1,
          port: 0,
          host: '127.0.0.1',
          saveConnection: false,
          onStep: (step) => progress.update('starting', step),
        });
        stop = stack.stop;
        progress.done();
        await tell(createErrata({ baseUrl: stack.url, apiKey: stack.apiKey }), stack.queue);
      } finally {
        await cleanUp();
      }
      console.log(`\nEverything is stopped. ${((Date.now() - startedAt) / 1000).toFixed(0)} s in all.`);
    });
}

async function tell(client: ErrataClient, queue: string): Promise<void> {
  heading(`1. Import the shipped model (PostgreSQL, queue on ${queue}, API and a worker are running)`);
  await succeed(client, await client.models.import({ name: model, path: atlas }));
  await succeed(client, await client.artefacts.create({ model, kind: 'second_moment' }));
  const root = (await client.branches.get(model, 'main')).head;
  console.log(`main is at ${root}`);

  const jsonl = (await readFile(join(atlas, 'edits.jsonl'), 'utf8')).split('\n').slice(0, batchSize).join('\n');
  heading(`2. Submit ${batchSize} corrections as one batch`);
  const edited = await succeed(client, await client.editJobs.create({ model, edits_jsonl: jsonl }));
  const edits = await client.jobs.edits(edited.id).all();
  console.log(answers(edits.slice(0, 6)));
  if (edited.summary !== null) console.log(`\n${metricsTable(edited.summary)}\n\n${costLine(edited.summary)}`);
  console.log(`main is at ${edited.version_id}`);

  heading('3. Submit a harmful batch: fine-tuning with a learning rate far too high');
  const harmful = await client.editJobs.create({
    model,
    edits_jsonl: jsonl,
    editor: 'ft-m',
    config: { learning_rate: 0.1, epochs: 5, stop_loss: 0 },
  });
  const refused = await followJob(client, harmful.id);
  console.log(outcomeOf(refused));
  if (refused.state !== 'gated_out')
    throw new ErrataError('internal', `the harmful batch ended ${refused.state}, not gated_out`);
  await expectHead(client, edited.version_id, 'main has not moved');

  heading('4. Take one correction back, exactly');
  const victim = edits.at(-1)!;
  console.log(`taking back ${victim.custom_id}: ${victim.prompt} -> ${victim.target_new}`);
  const reverted = await succeed(
    client,
    await client.rollbacks.create({
      model,
      revert_edit_ids: [victim.id],
      mode: 'exact',
      reason: 'the demo takes it back',
    }),
  );
  const ask = async (version: string | null) => {
    const answer = await client.completions.create({
      model: `${model}@${version}`,
      prompt: victim.prompt,
      max_tokens: 6,
      stop: ['.', '\n'],
    });
    return answer.choices[0]?.text.trim() ?? '';
  };
  const versions = [
    ['imported', root],
    ['edited', edited.version_id],
    ['one taken back', reverted.version_id],
  ] as const;
  const rows = await Promise.all(versions.map(async ([name, version]) => [name, await ask(version), String(version)]));
  console.log(table(['version', 'answer', 'digest'], rows));

  heading('5. Return to the imported model');
  await succeed(
    client,
    await client.rollbacks.create({ model, to_version: root, mode: 'reset', reason: 'the demo is over' }),
  );
  await expectHead(client, root, 'main is at the very digest it began with');
}

const heading = (text: string) => console.log(`\n${colors.bold(text)}`);

const answers = (edits: readonly EditRecord[]) =>
  table(
    ['prompt', 'before', 'after'],
    edits.map(({ prompt, result }) => [prompt, result?.answer_before ?? '-', result?.answer_after ?? '-']),
  );

async function succeed(client: ErrataClient, queued: JobResource): Promise<JobResource> {
  const job = await followJob(client, queued.id);
  if (job.state !== 'succeeded')
    throw new ErrataError('internal', `the ${job.kind} job did not succeed:\n${outcomeOf(job)}`);
  console.log(outcomeOf(job));
  return job;
}

async function expectHead(client: ErrataClient, version: string | null, meaning: string): Promise<void> {
  const { head } = await client.branches.get(model, 'main');
  if (head !== version) throw new ErrataError('internal', `main is at ${head}, expected ${version}`);
  console.log(`${meaning}: ${head}`);
}
