// errata blame: the edit that made an answer.
import type { Command } from 'commander';
import colors from 'picocolors';
import { placeOf } from '../arguments/references.ts';
import { quoted } from '../output/evaluations.ts';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { oneLine, percent, printJson, short, wording } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

export function register(program: Command): void {
  program
    .command('blame <model[@branch|@version]> <prompt>')
    .description('find the edit that made the present answer to a prompt')
    .option('--exhaustive', 'ask every state behind it, so that the flip is known to be the last')
    .option('--json', 'print JSON')
    .action(async (reference: string, prompt: string, options: { exhaustive?: true; json?: true }) => {
      const client = connect();
      const request = { ...placeOf(reference), prompt, exhaustive: options.exhaustive === true };
      const job = await followJob(client, (await client.blame.create(request)).id, options.json);
      process.exitCode = exitCodeOfJob(job.state);
      const { result, ...search } = await client.blame.get(job.id);
      if (options.json) return printJson({ ...search, result });
      if (result === null) return console.log(outcomeOf(job));
      console.log(`${oneLine(prompt)} ${colors.green(quoted(result))}  ${colors.dim(short(result.version_id))}`);
      const { before, after, edit } = result;
      if (before === null) {
        const states = result.exact ? 'no state' : `none of the ${result.asked.length} states that were asked`;
        return console.log(`no edit made this answer: the imported model gives it, and ${states} gives another`);
      }
      const { earlier } = before.probability;
      console.log(
        `  before  ${quoted(before)}, p ${percent(earlier)}; the present answer had p ${percent(before.probability.answer)}`,
      );
      console.log(`  since   ${quoted(after)}, p ${percent(after.probability.answer)}; ${short(after.version_id)}`);
      if (edit !== null) {
        console.log(`  made by ${colors.yellow(edit.id)}  ${edit.custom_id}: ${wording(edit)}`);
        console.log(
          `  of ${edit.job_id}${result.job_version_id === null ? '' : `, version ${short(result.job_version_id)}`}`,
        );
        if (result.method !== 'only_edit')
          console.log(colors.dim(`  told from ${result.candidates.length - 1} others by ${result.method}`));
      } else {
        console.log('  made by these edits together, which could not be told apart:');
        for (const { edit: each, answer_without } of result.candidates)
          console.log(
            `    ${each.id}  ${each.custom_id}${answer_without === null ? '' : `, without it ${JSON.stringify(answer_without)}`}`,
          );
      }
      if (!result.exact) console.log(colors.dim('  later states were sampled: --exhaustive asks them all'));
    });
}
