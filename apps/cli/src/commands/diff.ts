// errata diff: what one version holds that another does not.
import type { Command } from 'commander';
import colors from 'picocolors';
import { connect } from '../connection.ts';
import { printJson } from '../output.ts';

export function register(program: Command): void {
  program
    .command('diff <from> <to>')
    .description('the deltas and edits by which two versions differ')
    .option('--json', 'print JSON')
    .action(async (from: string, to: string, options: { json?: true }) => {
      const diff = await connect().versions.diff(from, to);
      if (options.json) return printJson(diff);
      const print = (sign: string, paint: (text: string) => string, side: typeof diff.added) => {
        for (const { delta, edits } of side) {
          console.log(paint(`${sign} ${delta.kind} ${delta.blob.slice(0, 16)}`));
          for (const edit of edits)
            console.log(paint(`${sign}   ${edit.custom_id}: ${edit.prompt} -> ${edit.target_new}`));
        }
      };
      print('-', colors.red, diff.removed);
      print('+', colors.green, diff.added);
      const left = diff.added_count + diff.removed_count - diff.added.length - diff.removed.length;
      if (left > 0) console.log(colors.dim(`and ${left} deltas more`));
      if (diff.added_count + diff.removed_count === 0) console.log('no difference');
    });
}
