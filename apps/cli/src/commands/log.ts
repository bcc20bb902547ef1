// errata log: what has happened to a branch, newest first.
import type { Command } from 'commander';
import colors from 'picocolors';
import { atLeastOne } from '../arguments/numbers.ts';
import { parseReference } from '../arguments/references.ts';
import { printJson, short, wording } from '../output/output.ts';
import { connect } from '../service/connection.ts';

export function register(program: Command): void {
  program
    .command('log <model[@branch]>')
    .description("a branch's history, newest first")
    .option('--limit <n>', 'how many moves', atLeastOne, 20)
    .option('--json', 'print JSON')
    .action(async (reference: string, options: { limit: number; json?: true }) => {
      const { model, at } = parseReference(reference);
      const moves = await connect().branches.log(model, at).all(options.limit);
      if (options.json) return printJson(moves);
      for (const move of moves) {
        console.log(
          `${colors.yellow(short(move.to_version))} ${move.kind}  ${colors.dim(`${move.created_at}  ${move.job_id ?? ''}`)}`,
        );
        if (move.reason !== null) console.log(`    ${move.reason}`);
        for (const edit of move.edits) {
          const line = `${edit.id}  ${edit.custom_id}: ${wording(edit)}`;
          console.log(`    ${edit.active ? line : colors.dim(`${line}  (taken back)`)}`);
        }
        const more = move.edit_count - move.edits.length;
        if (more > 0) console.log(colors.dim(`    and ${more} edits more`));
      }
    });
}
