// errata branch: lists, makes, deletes and restores branches.
import type { Command } from 'commander';
import { printJson, table } from '../output/output.ts';
import { connect } from '../service/connection.ts';

export function register(program: Command): void {
  const branch = program.command('branch').description('branches of a model');

  branch
    .command('list <model>', { isDefault: true })
    .description('the branches of a model and their heads')
    .option('--deleted', 'those that can be restored')
    .option('--json', 'print JSON')
    .action(async (model: string, options: { deleted?: true; json?: true }) => {
      const found = await connect()
        .branches.list(model, { deleted: options.deleted ?? false })
        .all();
      if (options.json) return printJson(found);
      const rows = found.map((each) => [
        each.name,
        each.head,
        each.protected ? 'protected' : '',
        each.deleted_at ?? each.id,
      ]);
      console.log(table(['branch', 'head', '', options.deleted ? 'deleted' : 'id'], rows));
    });

  branch
    .command('create <model> <name>')
    .description('make a branch at a version, or where a branch, an alias or a tag is')
    .option('--from <version|name>', 'where it begins', 'main')
    .option('--json', 'print JSON')
    .action(async (model: string, name: string, options: { from: string; json?: true }) => {
      const made = await connect().branches.create(model, { name, from: options.from });
      if (options.json) return printJson(made);
      console.log(`${model}@${made.name} is at ${made.head}`);
    });

  branch
    .command('delete <model> <name>')
    .description('delete a branch; its queued jobs are cancelled, its history stays')
    .option('--json', 'print JSON')
    .action(async (model: string, name: string, options: { json?: true }) => {
      await connect().branches.delete(model, name);
      if (options.json) return printJson({ model, branch: name, deleted: true });
      console.log(`deleted ${model}@${name}; errata branch restore ${model} ${name} brings it back`);
    });

  branch
    .command('restore <model> <name|id>')
    .description('bring a deleted branch back as it was')
    .option('--json', 'print JSON')
    .action(async (model: string, name: string, options: { json?: true }) => {
      const restored = await connect().branches.restore(model, name);
      if (options.json) return printJson(restored);
      console.log(`${model}@${restored.name} is at ${restored.head}`);
    });
}
