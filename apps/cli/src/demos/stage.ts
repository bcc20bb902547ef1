// What the demos share: a stack of their own that is gone afterwards, jobs that must succeed, and answers to show.
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrataError, type JobResource } from '@errata/contracts';
import { createErrata, type ErrataClient } from '@errata/sdk';
import colors from 'picocolors';
import { exitCodes } from '../output/exit-codes.ts';
import { progressLine } from '../output/output.ts';
import { followJob, outcomeOf } from '../service/follow.ts';
import { shippedModel } from '../shipped-model.ts';
import { onInterrupt, whenAborted } from '../stack/interrupts.ts';
import { type Stack, startStack } from '../stack/stack.ts';

/** What the shipped model is called. */
export const atlas = 'atlas';

/** Where a story is told. */
export interface Stage {
  readonly client: ErrataClient;
  /** What its queue stands on. */
  readonly queue: string;
  readonly say: (text: string) => void;
}

/** Tells a story and answers with what it found. */
export type Story = (stage: Stage) => Promise<Readonly<Record<string, unknown>>>;

/**
 * Runs a demo on a stack of its own; everything is stopped and removed at the end, also when it is interrupted.
 * @returns what the story found, and the seconds it took
 */
export async function onStage(tell: Story, say: Stage['say']): Promise<Readonly<Record<string, unknown>>> {
  // The database may have to run as another user, who must be able to enter.
  const dataDir = await mkdtemp(join(tmpdir(), 'errata-demo-'));
  await chmod(dataDir, 0o711);
  const startedAt = Date.now();
  const interrupts = onInterrupt();
  const progress = progressLine();
  let stack: Stack | undefined;
  const cleanUp = async () => {
    await stack?.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    stack = await startStack({
      dataDir,
      workers: 1,
      port: 0,
      host: '127.0.0.1',
      saveConnection: false,
      interrupts,
      onStep: (step) => progress.update('starting', step),
      say: (line) => console.error(line),
    }).finally(progress.done);
    const { url: baseUrl, apiKey, queue } = stack;
    const told = tell({ client: createErrata({ baseUrl, apiKey }), queue, say });
    // A story that is broken off fails in the middle of whatever it was doing.
    const found = await Promise.race([told, whenAborted(interrupts.stop).then(() => undefined)]);
    if (found === undefined) {
      told.catch(() => {});
      throw interrupts.stop.reason;
    }
    await cleanUp();
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    say(`\nEverything is stopped. ${seconds} s in all.`);
    return { ...found, seconds };
  } catch (error) {
    await cleanUp();
    if (interrupts.stop.aborted) process.exit(exitCodes.interrupted);
    throw error;
  }
}

/** Imports a model, with the statistics that its editors need where it brings a text for them; answers with the version it begins at. */
export async function importModel(
  stage: Stage,
  model: string,
  path: string,
  { statistics }: { readonly statistics: boolean },
): Promise<string> {
  const { client } = stage;
  await succeed(stage, await client.models.import({ name: model, path }));
  if (statistics) await succeed(stage, await client.artefacts.create({ model, kind: 'second_moment' }));
  return (await client.branches.get(model, 'main')).head;
}

export const importAtlas = (stage: Stage): Promise<string> =>
  importModel(stage, atlas, shippedModel, { statistics: true });

/** The shipped corrections: the lines of a JSONL file. */
export async function shippedLines(): Promise<readonly string[]> {
  const jsonl = await readFile(join(shippedModel, 'edits.jsonl'), 'utf8');
  return jsonl.split('\n').filter((line) => line !== '');
}

export const heading = ({ say }: Stage, text: string) => say(`\n${colors.bold(text)}`);

/** Follows a job to its end. It must succeed. */
export async function finish(client: ErrataClient, queued: JobResource): Promise<JobResource> {
  const job = await followJob(client, queued.id);
  if (job.state === 'succeeded') return job;
  throw new ErrataError('internal', `the ${job.kind} job did not succeed:\n${outcomeOf(job)}`);
}

/** The same, telling how it ended. */
export async function succeed({ client, say }: Stage, queued: JobResource): Promise<JobResource> {
  const job = await finish(client, queued);
  say(outcomeOf(job));
  return job;
}

/** What a version answers to a prompt, up to the end of its sentence. */
export async function ask(
  client: ErrataClient,
  model: string,
  version: string | null,
  prompt: string,
): Promise<string> {
  const answer = await client.completions.create({
    model: `${model}@${version}`,
    prompt,
    max_tokens: 6,
    temperature: 0,
    stop: ['.', '\n'],
  });
  return answer.choices[0]?.text.trim() ?? '';
}

export async function expectHead(
  { client, say }: Stage,
  model: string,
  version: string | null,
  meaning: string,
): Promise<void> {
  const { head } = await client.branches.get(model, 'main');
  if (head !== version) throw new ErrataError('internal', `main is at ${head}, expected ${version}`);
  say(`${meaning}: ${head}`);
}
