// The demo of the main job: corrections, a harmful batch, one correction taken back, and all of them.
import { type EditRecord, ErrataError } from '@errata/contracts';
import { costLine, metricsTable } from '../output/metrics-table.ts';
import { table } from '../output/output.ts';
import { followJob, outcomeOf } from '../service/follow.ts';
import type { Cast } from './casts.ts';
import { ask, expectHead, heading, type Story, succeed } from './stage.ts';

/** Rows of the table of answers. */
const shown = 6;

/** The main job, told about a model. Where its gate turns the corrections down the story says so, and ends there. */
export const mainJob =
  ({ model, title, bring, edits: corrections, config }: Cast): Story =>
  async (stage) => {
    const { client, queue, say } = stage;
    heading(stage, `1. Import ${title} (PostgreSQL, queue on ${queue}, API and a worker are running)`);
    const root = await bring(stage);
    say(`main is at ${root}`);

    heading(stage, `2. Submit ${corrections.length} corrections as one batch`);
    const queued = await client.editJobs.create({ model, edits: [...corrections], config });
    const edited = await followJob(client, queued.id);
    say(outcomeOf(edited));
    const edits = await client.jobs.edits(edited.id).all();
    say(answers(edits.slice(0, shown)));
    if (edited.summary !== null) say(`\n${metricsTable(edited.summary)}\n\n${costLine(edited.summary)}`);
    const told = {
      story: 'main',
      model,
      edits: edits.map(({ custom_id, prompt, target_new, result }) => ({
        custom_id,
        prompt,
        target_new,
        before: result?.answer_before,
        after: result?.answer_after,
      })),
      summary: edited.summary,
    };
    if (edited.state === 'gated_out') {
      await expectHead(stage, model, root, 'The gate turned the corrections down, and main has not moved');
      return { ...told, gate: edited.gate, head: root };
    }
    if (edited.state !== 'succeeded')
      throw new ErrataError('internal', `the corrections did not succeed:\n${outcomeOf(edited)}`);
    say(`main is at ${edited.version_id}`);

    heading(stage, '3. Submit a harmful batch: fine-tuning with a learning rate far too high');
    const harmful = await client.editJobs.create({
      model,
      edits: [...corrections],
      editor: 'ft-m',
      config: { learning_rate: 0.1, epochs: 5, stop_loss: 0 },
    });
    const refused = await followJob(client, harmful.id);
    say(outcomeOf(refused));
    if (refused.state !== 'gated_out')
      throw new ErrataError('internal', `the harmful batch ended ${refused.state}, not gated_out`);
    await expectHead(stage, model, edited.version_id, 'main has not moved');

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
      versions.map(async ([name, version]) => ({
        name,
        version,
        answer: await ask(client, model, version, victim.prompt),
      })),
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
    await expectHead(stage, model, root, 'main is at the very digest it began with');
    return {
      ...told,
      refused: { state: refused.state, gate: refused.gate },
      taken_back: { custom_id: victim.custom_id, prompt: victim.prompt, answers: answered },
      head: root,
    };
  };

const answers = (edits: readonly EditRecord[]) =>
  table(
    ['prompt', 'before', 'after'],
    edits.map(({ prompt, result }) => [prompt, result?.answer_before ?? '-', result?.answer_after ?? '-']),
  );
