// errata artefact: second moments of a model's keys, which editors of the ROME family need beforehand.
import { resolve } from 'node:path';
import type { ArtefactResource } from '@errata/contracts';
import { requireEditor } from '@errata/editors/catalogue';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { ridge, wholeNumber, wholeNumbers } from '../arguments/numbers.ts';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { printJson, table } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

interface BuildOptions {
  corpus?: string;
  layers?: number[];
  editor?: string;
  tokens?: number;
  ridge?: number;
  json?: true;
}

const resultSchema = z.object({ artefacts: z.array(z.object({ layer: z.int() })) });

export function register(program: Command): void {
  const artefact = program.command('artefact').description("second moments of a model's keys, which editors need");

  artefact
    .command('build <model>')
    .description('measure the keys of layers over a text; once for a model, for all its branches')
    .option('--corpus <file>', "a text file that the workers can read; the model's own when left out")
    .option('--layers <list>', 'layers, as in 3,4,5; all that the editors need by default when left out', wholeNumbers)
    .addOption(
      new Option('-e, --editor <name>', 'instead of layers: those that this editor needs by default')
        .argParser(requireEditor)
        .conflicts('layers'),
    )
    .option('--tokens <n>', 'tokens of the text read at most', wholeNumber)
    .option('--ridge <fraction>', 'added to the diagonal, as a fraction of its mean; for a short text', ridge)
    .option('--json', 'print the job as JSON')
    .action(async (model: string, { corpus, json, ...rest }: BuildOptions) => {
      const client = connect();
      const queued = await client.artefacts.create({
        model,
        kind: 'second_moment',
        ...rest,
        ...(corpus === undefined ? {} : { corpus: resolve(corpus) }),
      });
      const job = await followJob(client, queued.id, json);
      process.exitCode = exitCodeOfJob(job.state);
      if (json) return printJson(job);
      console.log(outcomeOf(job));
      const built = resultSchema.safeParse(job.result);
      if (built.success) console.log(`  layers ${built.data.artefacts.map(({ layer }) => layer).join(', ')}`);
    });

  artefact
    .command('list <model>', { isDefault: true })
    .description('the artefacts of a model, newest first; the newest of a layer is used')
    .option('--json', 'print JSON')
    .action(async (model: string, options: { json?: true }) => {
      const found = await connect().artefacts.list({ model }).all();
      if (options.json) return printJson(found);
      const rows = found.map(({ id, kind, scope, parameters, created_at }) => [
        id,
        kind,
        scope,
        tellParameters(parameters),
        created_at,
      ]);
      console.log(table(['artefact', 'kind', 'scope', 'parameters', 'built'], rows));
    });
}

/** What an artefact was built with, in a line: what was left to its builder is left out, and of a digest the beginning is enough. */
function tellParameters({ format: _, ...parameters }: ArtefactResource['parameters']): string {
  const told = Object.entries(parameters).filter(([, value]) => value !== null);
  const brief = (value: unknown) =>
    typeof value === 'string' ? value.replace(/^([0-9a-f]{12})[0-9a-f]{52}$/, '$1') : JSON.stringify(value);
  return told.map(([key, value]) => `${key} ${brief(value)}`).join(', ');
}
