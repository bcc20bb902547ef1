// errata import: brings a model into the service.
import type { Command } from 'commander';
import { absoluteModel, baseOption } from '../arguments/model-source.ts';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { printJson } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

export function register(program: Command): void {
  program
    .command('import <name> <model>')
    .description(
      'import a model: a directory in Hugging Face layout, a GGUF file, the directory of a LoRA adapter, or hf:ORG/NAME',
    )
    .addOption(baseOption())
    .option('--project <project>', 'the project that it will belong to, by name or id (default: default)')
    .option('--json', 'print the job as JSON')
    .action(async (name: string, model: string, options: { base?: string; project?: string; json?: true }) => {
      const client = connect();
      const queued = await client.models.import({
        name,
        path: await absoluteModel(model),
        ...(options.project !== undefined && { project: options.project }),
        ...(options.base !== undefined && { base: await absoluteModel(options.base) }),
      });
      const job = await followJob(client, queued.id, options.json);
      if (options.json) printJson(job);
      else console.log(outcomeOf(job));
      process.exitCode = exitCodeOfJob(job.state);
    });
}
