// The demo of the main job on the shipped model: corrections, a harmful batch, one correction taken back, and all of them.
import { type EditRecord, ErrataError } from '@errata/contracts';
import type { ErrataClient } from '@errata/sdk';
import { followJob, outcomeOf } from '../follow.ts';
import { costLine, metricsTable } from '../metrics-table.ts';
import { table } from '../output.ts';
import { ask, expectHead, heading, importAtlas, model, shippedEdits, succeed } from './stage.ts';

const batchSize = 24;

export async function mainJob(client: ErrataClient, queue: string): Promise<void> {
  heading(`1. Import the shipped model (PostgreSQL, queue on ${queue}, API and a worker are running)`);
  const root = await importAtlas(client);
  console.log(`main is at ${root}`);

  const batch = (await shippedEdits()).slice(0, batchSize);
  heading(`2. Submit ${batchSize} corrections as one batch`);
  const edited = await succeed(client, await client.editJobs.create({ model, edits: batch }));
  const edits = await client.jobs.edits(edited.id).all();
  console.log(answers(edits.slice(0, 6)));
  if (edited.summary !== null) console.log(`\n${metricsTable(edited.summary)}\n\n${costLine(edited.summary)}`);
  console.log(`main is at ${edited.version_id}`);

  heading('3. Submit a harmful batch: fine-tuning with a learning rate far too high');
  const harmful = await client.editJobs.create({
    model,
    edits: batch,
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
  const versions = [
    ['imported', root],
    ['edited', edited.version_id],
    ['one taken back', reverted.version_id],
  ] as const;
  const rows = await Promise.all(
    versions.map(async ([name, version]) => [name, await ask(client, version, victim.prompt), String(version)]),
  );
  console.log(table(['version', 'answer', 'digest'], rows));

  heading('5. Return to the imported model');
  await succeed(
    client,
    await client.rollbacks.create({ model, to_version: root, mode: 'reset', reason: 'the demo is over' }),
  );
  await expectHead(client, root, 'main is at the very digest it began with');
}

const answers = (edits: readonly EditRecord[]) =>
  table(
    ['prompt', 'before', 'after'],
    edits.map(({ prompt, result }) => [prompt, result?.answer_before ?? '-', result?.answer_after ?? '-']),
  );
