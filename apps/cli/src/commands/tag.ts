// errata tag: names of versions that never move.
import type { Command } from 'commander';
import { printJson, table } from '../output/output.ts';
import { connect } from '../service/connection.ts';

export function register(program: Command): void {
  const tag = program.command('tag').description('names of versions that never move');

  tag
    .command('list <model>', { isDefault: true })
    .description('the tags of a model')
    .option('--json', 'print JSON')
    .action(async (model: string, options: { json?: true }) => {
      const found = await connect().tags.list(model).all();
      if (options.json) return printJson(found);
      const rows = found.map((each) => [each.name, each.version_id, each.created_at, each.message ?? '']);
      console.log(table(['tag', 'version', 'made', 'message'], rows));
    });

  tag
    .command('create <model> <name> [version|name]')
    .description('name a version for good; the head of main when none is given')
    .option('-m, --message <text>', 'what it is')
    .option('--json', 'print JSON')
    .action(async (model: string, name: string, version = 'main', options: { message?: string; json?: true }) => {
      const message = options.message === undefined ? {} : { message: options.message };
      const made = await connect().tags.create(model, { name, version, ...message });
      if (options.json) return printJson(made);
      console.log(`${model}@${made.name} is ${made.version_id}`);
    });

  tag
    .command('delete <model> <name>')
    .description('delete a tag; the version stays')
    .option('--json', 'print JSON')
    .action(async (model: string, name: string, options: { json?: true }) => {
      await connect().tags.delete(model, name);
      if (options.json) return printJson({ model, tag: name, deleted: true });
      console.log(`deleted ${name}`);
    });
}
