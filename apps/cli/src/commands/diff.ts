// errata diff: what one version holds that another does not, and the answers by which they differ.
import type { WeightsDiff } from '@errata/contracts';
import { type Command, Option } from 'commander';
import colors from 'picocolors';
import { versionNamed } from '../arguments/references.ts';
import { changedLines } from '../output/evaluations.ts';
import { exitCodeOfJob } from '../output/exit-codes.ts';
import { printJson, table, wording } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { followJob, outcomeOf } from '../service/follow.ts';
import { suiteOf } from './evaluate-version.ts';

interface Options {
  probes?: string;
  edits?: string;
  answers?: true;
  weights: boolean;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('diff <from> <to>')
    .description(
      'the deltas and edits by which two versions (ver_... or MODEL@NAME) differ; with probes, the answers that changed',
    )
    .addOption(
      new Option('--probes <file>', 'ask both versions these questions (JSONL)').conflicts(['edits', 'answers']),
    )
    .addOption(new Option('--edits <file>', 'ask both versions about these edits (JSONL)').conflicts('answers'))
    .option('--no-weights', 'do not open the versions to compare their weights')
    .option('--answers', 'ask both versions about the edits by which they differ')
    .option('--json', 'print JSON')
    .action(async (from: string, to: string, options: Options) => {
      const client = connect();
      const diff = await client.versions.diff(await versionNamed(client, from), await versionNamed(client, to));
      const weights = options.weights ? await client.versions.diffWeights(diff.from, diff.to) : undefined;
      const asked = options.probes !== undefined || options.edits !== undefined || options.answers === true;
      if (!asked && options.json) return printJson({ ...diff, weights });
      if (!options.json) {
        const print = (sign: string, paint: (text: string) => string, side: typeof diff.added) => {
          for (const { delta, edits } of side) {
            console.log(paint(`${sign} ${delta.kind} ${delta.blob.slice(0, 16)}`));
            for (const edit of edits) console.log(paint(`${sign}   ${edit.custom_id}: ${wording(edit)}`));
          }
        };
        print('-', colors.red, diff.removed);
        print('+', colors.green, diff.added);
        const left = diff.added_count + diff.removed_count - diff.added.length - diff.removed.length;
        if (left > 0) console.log(colors.dim(`and ${left} deltas more`));
        if (diff.added_count + diff.removed_count === 0) console.log('no difference');
        if (weights !== undefined) for (const line of weightLines(weights)) console.log(line);
      }
      if (!asked) return;
      const { model_id } = await client.versions.get(diff.to);
      const suite = options.answers === true ? { suite: 'difference' } : await suiteOf(options);
      const queued = await client.evaluations.create({
        model: model_id,
        version: diff.to,
        against: diff.from,
        ...suite,
      });
      const job = await followJob(client, queued.id, options.json);
      process.exitCode = exitCodeOfJob(job.state);
      const changed = await client.evaluations.rows(job.id, { changed: true, limit: 100 }).all();
      const { outcome, error } = await client.evaluations.get(job.id);
      if (options.json)
        return printJson({ ...diff, weights, evaluation: { id: job.id, state: job.state, outcome, error, changed } });
      if (outcome === null) return console.log(outcomeOf(job));
      console.log(`\n${outcome.changed} of ${outcome.measured} answers changed`);
      if (changed.length > 0) console.log(changedLines(changed, 100));
    });
}

/** What changed in the weights: a table of matrices, and a line a memory beside them. */
function weightLines({ tensors, memories }: WeightsDiff): readonly string[] {
  const rows = tensors.map(({ tensor, shape, norm, relative, largest, rank }) => [
    tensor,
    shape.join(' x '),
    norm.toPrecision(3),
    relative === null ? '-' : `${(100 * relative).toPrecision(3)}%`,
    largest.toPrecision(3),
    rank === null ? '-' : `${rank.at_least ? '>= ' : ''}${rank.value}`,
  ]);
  const beside = memories.map(
    ({ kind, place, added, removed, kept }) =>
      `${kind} at ${place}: ${added} entries added, ${removed} removed, ${kept} kept`,
  );
  return [
    ...(rows.length === 0 ? [] : ['', table(['changed', 'shape', 'norm', 'relative', 'largest', 'rank'], rows)]),
    ...beside,
  ];
}
