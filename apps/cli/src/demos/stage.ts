// What the demos share: a stack of their own that is gone afterwards, jobs that must succeed, and answers to show.
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EditInput, ErrataError, type JobResource } from '@errata/contracts';
import { createErrata, type ErrataClient } from '@errata/sdk';
import colors from 'picocolors';
import { followJob, outcomeOf } from '../follow.ts';
import { progressLine } from '../output.ts';
import { startStack } from '../stack.ts';

export const atlas = fileURLToPath(new URL('../../../../models/atlas', import.meta.url));
export const model = 'atlas';

/** Runs a demo on a stack of its own; everything is stopped and removed at the end, also when it is interrupted. */
export async function onStage(tell: (client: ErrataClient, queue: string) => Promise<void>): Promise<void> {
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
    }).finally(progress.done);
    stop = stack.stop;
    await tell(createErrata({ baseUrl: stack.url, apiKey: stack.apiKey }), stack.queue);
  } finally {
    await cleanUp();
  }
  console.log(`\nEverything is stopped. ${((Date.now() - startedAt) / 1000).toFixed(0)} s in all.`);
}

/** Imports the shipped model with the statistics that its editors need; answers with the version it begins at. */
export async function importAtlas(client: ErrataClient): Promise<string> {
  await succeed(client, await client.models.import({ name: model, path: atlas }));
  await succeed(client, await client.artefacts.create({ model, kind: 'second_moment' }));
  return (await client.branches.get(model, 'main')).head;
}

/** The shipped corrections, one a line. */
export async function shippedEdits(): Promise<readonly EditInput[]> {
  const jsonl = await readFile(join(atlas, 'edits.jsonl'), 'utf8');
  return jsonl
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as EditInput);
}

export const heading = (text: string) => console.log(`\n${colors.bold(text)}`);

/** Follows a job to its end. It must succeed. */
export async function finish(client: ErrataClient, queued: JobResource): Promise<JobResource> {
  const job = await followJob(client, queued.id);
  if (job.state === 'succeeded') return job;
  throw new ErrataError('internal', `the ${job.kind} job did not succeed:\n${outcomeOf(job)}`);
}

/** The same, telling how it ended. */
export async function succeed(client: ErrataClient, queued: JobResource): Promise<JobResource> {
  const job = await finish(client, queued);
  console.log(outcomeOf(job));
  return job;
}

/** What a version answers to a prompt, up to the end of its sentence. */
export async function ask(client: ErrataClient, version: string | null, prompt: string): Promise<string> {
  const answer = await client.completions.create({
    model: `${model}@${version}`,
    prompt,
    max_tokens: 6,
    stop: ['.', '\n'],
  });
  return answer.choices[0]?.text.trim() ?? '';
}

export async function expectHead(client: ErrataClient, version: string | null, meaning: string): Promise<void> {
  const { head } = await client.branches.get(model, 'main');
  if (head !== version) throw new ErrataError('internal', `main is at ${head}, expected ${version}`);
  console.log(`${meaning}: ${head}`);
}
