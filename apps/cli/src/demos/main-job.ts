// The demo of the main job on the shipped model: corrections, a harmful batch, one correction taken back, and all of them.
import { type EditRecord, ErrataError } from '@errata/contracts';
import { costLine, metricsTable } from '../output/metrics-table.ts';
import { table } from '../output/output.ts';
import { followJob, outcomeOf } from '../service/follow.ts';
import {
  ask,
  expectHead,
  heading,
  importAtlas,
  model,
  type Stage,
  type Story,
  shippedLines,
  succeed,
} from './stage.ts';

const batchSize = 24;

export async function mainJob(stage: Stage): ReturnType<Story> {
  const { client, queue, say } = stage;
  heading(stage, `1. Import the shipped model (PostgreSQL, queue on ${queue}, API and a worker are running)`);
  const root = await importAtlas(stage);
  say(`main is at ${root}`);

  const edits_jsonl = (await shippedLines()).slice(0, batchSize).join('\n');
  heading(stage, `2. Submit ${batchSize} corrections as one batch`);
  const edited = await succeed(stage, await client.editJobs.create({ model, edits_jsonl }));
  const edits = await client.jobs.edits(edited.id).all();
  say(answers(edits.slice(0, 6)));
  if (edited.summary !== null) say(`\n${metricsTable(edited.summary)}\n\n${costLine(edited.summary)}`);
  say(`main is at ${edited.version_id}`);

  heading(stage, '3. Submit a harmful batch: fine-tuning with a learning rate far too high');
  const harmful = await client.editJobs.create({
    model,
    edits_jsonl,
    editor: 'ft-m',
    config: { learning_rate: 0.1, epochs: 5, stop_loss: 0 },
  });
  const refused = await followJob(client, harmful.id);
  say(outcomeOf(refused));
  if (refused.state !== 'gated_out')
    throw new ErrataError('internal', `the harmful batch ended ${refused.state}, not gated_out`);
  await expectHead(stage, edited.version_id, 'main has not moved');

  heading(stage, '4. Take one correction back, exactly');
  const victim = edits.at(-1)!;
  say(`taking back ${victim.custom_id}: ${victim.prompt} -> ${victim.target_new}`);
  const reverted = await succeed(
    stage,
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
  const answered = await Promise.all(
    versions.map(async ([name, version]) => ({ name, version, answer: await ask(client, version, victim.prompt) })),
  );
  say(
    table(
      ['version', 'answer', 'digest'],
      answered.map(({ name, answer, version }) => [name, answer, String(version)]),
    ),
  );

  heading(stage, '5. Return to the imported model');
  await succeed(
    stage,
    await client.rollbacks.create({ model, to_version: root, mode: 'reset', reason: 'the demo is over' }),
  );
  await expectHead(stage, root, 'main is at the very digest it began with');
  return {
    story: 'main',
    edits: edits.map(({ custom_id, prompt, target_new, result }) => ({
      custom_id,
      prompt,
      target_new,
      before: result?.answer_before,
      after: result?.answer_after,
    })),
    summary: edited.summary,
    refused: { state: refused.state, gate: refused.gate },
    taken_back: { custom_id: victim.custom_id, prompt: victim.prompt, answers: answered },
    head: root,
  };
}

const answers = (edits: readonly EditRecord[]) =>
  table(
    ['prompt', 'before', 'after'],
    edits.map(({ prompt, result }) => [prompt, result?.answer_before ?? '-', result?.answer_after ?? '-']),
  );
