// errata erase: the texts of edits deleted for good, wherever they are kept.
import type { Command } from 'commander';
import { printJson } from '../output/output.ts';
import { connect } from '../service/connection.ts';

export function register(program: Command): void {
  program
    .command('erase <edit...>')
    .description('delete the texts of edits that nothing holds any more, for good; that they were made stays told')
    .requiredOption('--reason <text>', 'why; it is kept, and must not say what is erased')
    .option('--json', 'print JSON')
    .action(async (edit_ids: string[], { reason, json }: { reason: string; json?: true }) => {
      const erasure = await connect().edits.erase({ edit_ids, reason });
      if (json) return printJson(erasure);
      const { cases, reports, blobs } = erasure;
      console.log(`erased ${erasure.edit_ids.length} edits, ${cases} cases and ${reports} reports of evaluations`);
      if (blobs.length > 0)
        console.log(
          `${blobs.length} blobs hold words of them; errata gc --delete deletes them, after its grace period`,
        );
    });
}
