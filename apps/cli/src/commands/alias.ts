// errata alias: names for serving, which move and keep every move.
import type { Command } from 'commander';
import colors from 'picocolors';
import { atLeastOne } from '../arguments/numbers.ts';
import { printJson, short, table } from '../output/output.ts';
import { connect } from '../service/connection.ts';

export function register(program: Command): void {
  const alias = program.command('alias').description('names for serving, which move and keep every move');

  alias
    .command('list <model>', { isDefault: true })
    .description('the aliases of a model')
    .option('--json', 'print JSON')
    .action(async (model: string, options: { json?: true }) => {
      const found = await connect().aliases.list(model).all();
      if (options.json) return printJson(found);
      const rows = found.map((each) => [each.name, each.version_id, each.moved_at, each.sequence]);
      console.log(table(['alias', 'version', 'moved', 'moves'], rows));
    });

  alias
    .command('set <model> <name> <version|name>')
    .description('put an alias on a version, or where a branch, a tag or another alias is now')
    .option('--reason <text>', 'why; it is kept in its history')
    .option('--from <version>', 'refuse when it is elsewhere by now; "none" when it must not be there yet')
    .option('--json', 'print JSON')
    .action(
      async (
        model: string,
        name: string,
        version: string,
        options: { reason?: string; from?: string; json?: true },
      ) => {
        const client = connect();
        const seen =
          options.from === undefined || options.from === 'none' ? null : await client.resolve(model, options.from);
        const moved = await client.aliases.set(model, name, {
          version,
          ...(options.reason === undefined ? {} : { reason: options.reason }),
          ...(options.from === undefined ? {} : { if_version_id: seen?.version_id ?? null }),
        });
        if (options.json) return printJson(moved);
        console.log(`${model}@${moved.name} is at ${moved.version_id}`);
      },
    );

  alias
    .command('history <model> <name>')
    .description('every move of an alias, newest first')
    .option('--limit <n>', 'how many moves', atLeastOne, 20)
    .option('--json', 'print JSON')
    .action(async (model: string, name: string, options: { limit: number; json?: true }) => {
      const moves = await connect().aliases.history(model, name).all(options.limit);
      if (options.json) return printJson(moves);
      for (const move of moves) {
        const target = move.target === null || move.target === move.to_version ? '' : ` (${move.target})`;
        const to = move.to_version === null ? '-' : short(move.to_version);
        console.log(
          `${colors.yellow(to)}${target} ${move.kind}  ${colors.dim(`${move.created_at}  ${move.moved_by ?? ''}`)}`,
        );
        if (move.reason !== null) console.log(`    ${move.reason}`);
      }
    });

  alias
    .command('delete <model> <name>')
    .description('take an alias out of service; its history stays')
    .option('--json', 'print JSON')
    .action(async (model: string, name: string, options: { json?: true }) => {
      await connect().aliases.delete(model, name);
      if (options.json) return printJson({ model, alias: name, deleted: true });
      console.log(`deleted ${name}`);
    });
}
