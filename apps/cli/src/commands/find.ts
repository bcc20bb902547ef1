// errata find: edits that were ever asked for, newest first, by what they say, by whom and when.
import { type Command, InvalidArgumentError } from 'commander';
import colors from 'picocolors';
import { atLeastOne } from '../arguments/numbers.ts';
import { printJson, wording } from '../output/output.ts';
import { connect } from '../service/connection.ts';

interface Options {
  readonly model?: string;
  readonly branch?: string;
  readonly subject?: string;
  readonly by?: string;
  readonly since?: string;
  readonly before?: string;
  readonly limit: number;
  readonly json?: true;
}

/** A day or a time as the API takes it; a day begins by the clock of this machine. */
function time(text: string): string {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  const at = year === undefined ? new Date(text) : new Date(Number(year), Number(month) - 1, Number(day));
  if (Number.isNaN(at.getTime())) throw new InvalidArgumentError('must be a day, 2026-11-30, or a time in ISO 8601');
  return at.toISOString();
}

export function register(program: Command): void {
  program
    .command('find [text]')
    .description('edits that were ever asked for, newest first; trials are left out')
    .option('-m, --model <model>', 'only of this model')
    .option('-b, --branch <branch>', 'only on this branch of it')
    .option('--subject <subject>', 'only about this subject')
    .option('--by <key>', 'only what was asked for with this API key: its name, or its id')
    .option('--since <time>', 'only of jobs submitted from this day or time on', time)
    .option('--before <time>', 'only of jobs submitted before this day or time', time)
    .option('--limit <n>', 'how many', atLeastOne, 20)
    .option('--json', 'print JSON')
    .action(async (text: string | undefined, { by: created_by, limit, json, ...query }: Options) => {
      const found = await connect()
        .edits.list({ ...query, text, created_by })
        .all(limit);
      if (json) return printJson(found);
      for (const edit of found) {
        const where = [edit.state.replaceAll('_', ' '), edit.branch, edit.author, edit.created_at];
        console.log(`${colors.yellow(edit.id)}  ${edit.custom_id}: ${wording(edit)}`);
        console.log(`    ${colors.dim(where.filter((each) => each !== null).join('  '))}`);
      }
      if (found.length === 0) console.log('no edit says so');
    });
}
