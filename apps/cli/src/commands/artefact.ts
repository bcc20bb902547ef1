// errata artefact: what editors need of a model beforehand.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type ArtefactResource, ErrataError, type Priority } from '@errata/contracts';
import { artefactKindNames, describeArtefact, requireEditor } from '@errata/editors/catalogue';
import type { ErrataClient } from '@errata/sdk';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { addArtefactFields, artefactFields, choosingFields } from '../arguments/artefact-fields.ts';
import { priorityOption } from '../arguments/priority.ts';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { printJson, table } from '../output/output.ts';
import { writeWhole } from '../output/write-whole.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

interface BuildOptions {
  readonly kind: string;
  readonly editor?: string;
  readonly priority: Priority;
  readonly json?: true;
}

const resultSchema = z.object({ artefacts: z.array(z.object({ kind: z.string(), scope: z.string() })) });

const kindsThereAre = artefactKindNames.map((kind) => `  ${kind}: ${describeArtefact(kind).title}`).join('\n');

export function register(program: Command): void {
  const artefact = program
    .command('artefact')
    .description('what editors need of a model beforehand')
    .addHelpText('after', `\nKinds:\n${kindsThereAre}`);

  const build = artefact
    .command('build <model>')
    .description('build artefacts of a kind; once for a model, for all its branches')
    .addOption(new Option('--kind <kind>', 'what to build').choices(artefactKindNames).default(artefactKindNames[0]))
    .addOption(
      new Option('-e, --editor <name>', 'instead of choosing: those that this editor needs by default')
        .argParser(requireEditor)
        .conflicts([...choosingFields]),
    );
  addArtefactFields(build)
    .addOption(priorityOption())
    .option('--json', 'print the job as JSON')
    .addHelpText('after', `\nKinds:\n${kindsThereAre}`)
    .action(async (model: string, { kind, editor, priority, json, ...rest }: BuildOptions) => {
      const client = connect();
      const request = { model, kind, priority, ...artefactFields(rest), ...(editor === undefined ? {} : { editor }) };
      const queued = await client.artefacts.create(request);
      const job = await followJob(client, queued.id, json);
      process.exitCode = exitCodeOfJob(job.state);
      if (json) return printJson(job);
      console.log(outcomeOf(job));
      const built = resultSchema.safeParse(job.result);
      if (built.success) console.log(`  ${kind}: ${built.data.artefacts.map(({ scope }) => scope).join(', ')}`);
    });

  artefact
    .command('list <model>', { isDefault: true })
    .description('the artefacts of a model, newest first; of each scope the newest is used')
    .addOption(new Option('--kind <kind>', 'only those of this kind').choices(artefactKindNames))
    .option('--json', 'print JSON')
    .action(async (model: string, { kind, json }: { kind?: string; json?: true }) => {
      const found = await connect()
        .artefacts.list({ model, ...(kind === undefined ? {} : { kind }) })
        .all();
      if (json) return printJson(found);
      const rows = found.map((one) => [one.id, one.kind, one.scope, tellParameters(one.parameters), one.created_at]);
      console.log(table(['artefact', 'kind', 'scope', 'parameters', 'built'], rows));
    });

  artefact
    .command('show <artefact>')
    .description('an artefact: what it was built with and from, by which job, and what its kind tells of it')
    .option(
      '--report <file>',
      'of one that was trained: write a page with its losses and checkpoints; of causal traces: with their heat maps',
    )
    .option('--json', 'print JSON')
    .action(async (id: string, { json, report }: { json?: true; report?: string }) => {
      const found = await connect().artefacts.get(id);
      if (report !== undefined) await writePage(found, report);
      if (json) return printJson(found);
      const { kind, scope, parameters, parents, details, blob, bytes, job_id, created_at } = found;
      console.log(`${found.id}  ${kind} of ${scope}, ${bytes} bytes, sha256 ${blob}`);
      console.log(`  built ${created_at}${job_id === null ? '' : ` by ${job_id}`}`);
      if (parents.length > 0) console.log(`  from ${parents.join(', ')}`);
      for (const [what, values] of Object.entries({ parameters, details }))
        for (const [key, value] of Object.entries(values)) console.log(`  ${what}.${key}  ${JSON.stringify(value)}`);
    });

  artefact
    .command('save <artefact> <file>')
    .description(
      'write what an artefact holds to a file that is not there yet, which the errata.json of a model may name',
    )
    .action(async (id: string, file: string) => {
      if (existsSync(file))
        throw new ErrataError('output_exists', `${file} exists: choose another file`, { details: { path: file } });
      const client = connect();
      const found = await client.artefacts.get(id);
      await saveContent(found, client, file);
      console.log(`wrote ${file}: ${found.kind} of ${found.scope}, ${found.bytes} bytes, sha256 ${found.blob}`);
    });
}

/** Writes what an artefact holds, and holds it against its digest on the way: it is whole or not there. */
async function saveContent({ id, blob }: ArtefactResource, client: ErrataClient, file: string): Promise<void> {
  await writeWhole(file, async (target) => {
    const hash = createHash('sha256');
    for await (const part of await client.artefacts.content(id)) {
      hash.update(part);
      await target.writeFile(part); // all of it, from where the last part ended
    }
    if (hash.digest('hex') !== blob)
      throw new ErrataError('blob_corrupt', `what came of ${id} is not what it was built as: try again`);
  });
}

async function writePage(artefact: ArtefactResource, file: string): Promise<void> {
  const page = await pageOf(artefact);
  await writeWhole(file, (target) => target.writeFile(page));
  console.error(`wrote ${file}`);
}

/** @throws ErrataError `invalid_request` for one of which there is nothing to draw */
async function pageOf({ id, kind, model_id, details }: ArtefactResource): Promise<string> {
  const { tracingPage, tracingSummary, trainingCourse, trainingPage } = await import('@errata/evaluation');
  const course = trainingCourse(details);
  if (course !== undefined) return trainingPage(`${kind} ${id}`, course);
  const summary = tracingSummary(details);
  if (summary !== undefined) {
    const { name } = await connect().models.get(model_id);
    return tracingPage({ model: name, ...summary });
  }
  throw new ErrataError('invalid_request', `${id} (${kind}) was neither trained nor traced: there is nothing to draw`);
}

/** What an artefact was built with, in a line: what was left to its builder is left out, and of a digest the beginning is enough. */
function tellParameters({ format: _, ...parameters }: ArtefactResource['parameters']): string {
  const told = Object.entries(parameters).filter(([, value]) => value !== null);
  const brief = (value: unknown) =>
    typeof value === 'string' ? value.replace(/^([0-9a-f]{12})[0-9a-f]{52}$/, '$1') : JSON.stringify(value);
  return told.map(([key, value]) => `${key} ${brief(value)}`).join(', ');
}
