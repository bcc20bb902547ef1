// errata compare: two evaluations held against each other, what got worse first.
import type { MetricComparison } from '@errata/contracts';
import type { Command } from 'commander';
import colors from 'picocolors';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { oneLine, printJson, table } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';

const number = (value: number | undefined): string =>
  value === undefined ? '-' : Number(value.toPrecision(4)).toString();

function differenceOf({ difference }: MetricComparison): string {
  if (difference === null) return '-';
  const { value, interval } = difference;
  const range = interval === null ? '' : ` (${number(interval.low)} to ${number(interval.high)})`;
  return `${value > 0 ? '+' : ''}${number(value)}${range}`;
}

export function register(program: Command): void {
  program
    .command('compare <evaluation> <other>')
    .description('compare two evaluations (job_...) case by case; what got worse in the other comes first')
    .option('--json', 'print JSON')
    .action(async (one: string, other: string, options: { json?: true }) => {
      const client = connect();
      const job = await followJob(client, (await client.comparisons.create({ one, other })).id, options.json);
      process.exitCode = exitCodeOfJob(job.state);
      const comparison = await client.comparisons.get(job.id);
      if (options.json) return printJson(comparison);
      const { result } = comparison;
      if (result === null) return console.log(outcomeOf(job));
      const rows = result.metrics.map((each) => [
        each.metric,
        each.cases,
        number(each.one?.value),
        number(each.other?.value),
        differenceOf(each),
        `${each.losses} / ${each.wins}`,
      ]);
      console.log(table(['metric', 'cases', 'one', 'other', 'difference', 'worse / better'], rows));
      console.log(`\n${result.answers_differing} of ${result.answers_compared} answers differ`);
      for (const { case_id, prompt, one: theirs, other: mine, turned } of result.answers.slice(0, 20)) {
        const paint = { broken: colors.red, changed: (text: string) => text, mended: colors.green }[turned];
        console.log(
          `${paint(turned.padEnd(7))} ${case_id}: ${oneLine(prompt)} ${JSON.stringify(theirs)} -> ${JSON.stringify(mine)}`,
        );
      }
    });
}
