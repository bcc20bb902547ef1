// errata bisect: the first version of a branch on which an answer is wrong.
import type { BisectMode } from '@errata/contracts';
import { bisectModes } from '@errata/contracts';
import { type Command, Option } from 'commander';
import colors from 'picocolors';
import { parseReference } from '../arguments/references.ts';
import { quoted } from '../output/evaluations.ts';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { printJson, short, wording } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

interface Options {
  prompt: string;
  target?: string;
  alias?: string[];
  mode?: BisectMode;
  good?: string;
  bad?: string;
  json?: true;
}

/** A move's number, or a version. */
const endOf = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text);

export function register(program: Command): void {
  program
    .command('bisect <model[@branch]>')
    .description('find the move of a branch at which an answer broke, by asking about as few versions as can be')
    .requiredOption('-p, --prompt <text>', 'the question')
    .option('-t, --target <text>', 'the answer that is right; without one, any change of the answer is looked for')
    .option('--alias <text...>', 'other spellings of it')
    .addOption(new Option('--mode <mode>', 'whether a target is expected, or no change').choices(bisectModes))
    .option('--good <move|version>', 'where the answer was right; the first move when left out')
    .option('--bad <move|version>', 'where it no longer is; the head when left out')
    .option('--json', 'print JSON')
    .action(async (reference: string, options: Options) => {
      const { model, at: branch } = parseReference(reference);
      const { prompt, target, alias, mode, good, bad } = options;
      const client = connect();
      const queued = await client.bisections.create({
        model,
        branch,
        probe: {
          prompt,
          ...(target === undefined ? {} : { target }),
          ...(alias === undefined ? {} : { aliases: alias }),
        },
        ...(mode === undefined ? {} : { mode }),
        ...(good === undefined ? {} : { good: endOf(good) }),
        ...(bad === undefined ? {} : { bad: endOf(bad) }),
      });
      const job = await followJob(client, queued.id, options.json);
      process.exitCode = exitCodeOfJob(job.state);
      const { result, ...search } = await client.bisections.get(job.id);
      if (options.json) return printJson({ ...search, result });
      if (result === null) return console.log(outcomeOf(job));
      const { first_bad, last_good, steps, moves } = result;
      for (const step of steps) {
        const verdict = step.verdict === 'good' ? colors.green('good') : colors.red('bad ');
        const from = step.cached ? colors.dim(' (asked before)') : '';
        console.log(`${verdict} ${step.sequence}  ${short(step.version_id)}  ${quoted(step)}${from}`);
      }
      const asked = steps.filter(({ cached }) => !cached).length;
      console.log(
        `\nfirst bad of ${moves} moves, ${asked} versions asked: move ${first_bad.sequence}, ${first_bad.kind}`,
      );
      console.log(`  ${colors.yellow(first_bad.version_id)}  ${quoted(first_bad)}, was ${quoted(last_good)}`);
      if (first_bad.job_id !== null) console.log(`  made by ${first_bad.job_id}`);
      if (first_bad.reason !== null) console.log(`  ${first_bad.reason}`);
      for (const edit of first_bad.added) console.log(colors.green(`  + ${edit.id}  ${wording(edit)}`));
      for (const edit of first_bad.removed) console.log(colors.red(`  - ${edit.id}  ${wording(edit)}`));
    });
}
