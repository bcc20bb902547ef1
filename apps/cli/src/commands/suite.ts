// errata suite: cases that are stored once under a name and asked of any version by it.
import type { Command } from 'commander';
import { suiteCases } from '../arguments/given-cases.ts';
import { atLeastOne } from '../arguments/numbers.ts';
import { printJson, table } from '../output/output.ts';
import { connect } from '../service/connection.ts';

interface CreateOptions {
  layout?: string;
  limit?: number;
  description?: string;
  json?: true;
}

export function register(program: Command): void {
  const suite = program
    .command('suite')
    .description('cases that are stored once and asked of any version; they never change');

  suite
    .command('list', { isDefault: true })
    .description('the suites there are, by name')
    .option('--json', 'print JSON')
    .action(async (options: { json?: true }) => {
      const found = await connect().suites.list().all();
      if (options.json) return printJson(found);
      const rows = found.map((each) => [each.name, each.cases, each.created_at, each.description ?? '']);
      console.log(table(['suite', 'cases', 'made', 'description'], rows));
    });

  suite
    .command('create <name> <file>')
    .description('store the edits or questions of a file (JSONL, or a published data set) under a name')
    .option('--layout <name>', 'the layout of the file (errata data layouts); recognised when left out')
    .option('--limit <n>', 'the first records only', atLeastOne)
    .option('-d, --description <text>', 'what it is for')
    .option('--json', 'print JSON')
    .action(async (name: string, file: string, { layout, limit, description, json }: CreateOptions) => {
      const client = connect();
      const cases = await suiteCases({ file, layout, limit });
      const made = await client.suites.create({
        name,
        ...cases,
        ...(description === undefined ? {} : { description }),
      });
      if (json) return printJson(made);
      console.log(
        `${made.name} holds ${made.cases} cases\n  digest ${made.digest}\n  errata evaluate MODEL --suite ${made.name}`,
      );
    });

  suite
    .command('show <name>')
    .description('a suite and its first cases')
    .option('--limit <n>', 'how many cases', atLeastOne, 20)
    .option('--json', 'print JSON')
    .action(async (name: string, { limit, json }: { limit: number; json?: true }) => {
      const client = connect();
      const found = await client.suites.get(name);
      const cases = await client.suites.cases(found.id).all(limit);
      if (json) return printJson({ ...found, first_cases: cases });
      console.log(`${found.name}  ${found.cases} cases, made ${found.created_at}\n  digest ${found.digest}`);
      if (found.description !== null) console.log(`  ${found.description}`);
      const rows = cases.map(({ custom_id, kind, prompt, target }) => [custom_id, kind, prompt, target ?? '-']);
      console.log(`\n${table(['case', 'kind', 'prompt', 'answer wanted'], rows)}`);
      if (found.cases > cases.length) console.log(`and ${found.cases - cases.length} more`);
    });
}
