// errata show: one version, edit, job or model in full.
import type { ModelOrigin } from '@errata/contracts';
import type { Command } from 'commander';
import { versionNamed } from '../arguments/references.ts';
import { costLine, metricsTable } from '../output/metrics-table.ts';
import { printJson, short, table, wording } from '../output/output.ts';
import { connect } from '../service/connection.ts';
import { outcomeOf } from '../service/follow.ts';

/** A version of more is not listed delta by delta; its manifest is there for those who want it. */
const solvesShown = 50;

const originLine = ({ reference, format, commit }: ModelOrigin): string =>
  `${reference} (${format}${commit === undefined ? '' : `, commit ${commit}`})`;

export function register(program: Command): void {
  program
    .command('show <id>')
    .description('a version (ver_... or MODEL@NAME), an edit (edit_...), a job (job_...) or a model (its name)')
    .option('--json', 'print JSON')
    .action(async (id: string, options: { json?: true }) => {
      const client = connect();
      if (id.startsWith('ver_') || id.includes('@')) {
        const version = await client.versions.get(await versionNamed(client, id));
        if (options.json) return printJson(version);
        console.log(
          `${version.id}\n  parent   ${version.parent_id ?? '(imported)'}\n  made by  ${version.job_id ?? '-'} at ${version.created_at}\n  stored   ${version.delta_bytes} bytes of deltas, left by ${version.depth} solves`,
        );
        if (version.depth === 0 || version.depth > solvesShown) return;
        const { deltas, artefacts } = await client.versions.manifest(version.id);
        console.log(
          table(
            ['delta', 'blob'],
            deltas.map(({ kind, blob }) => [kind, blob]),
          ),
        );
        if (artefacts.length === 0) return;
        const rows = artefacts.map((used) => [used.id, used.kind, used.scope, used.job_ids.join(', ')]);
        return console.log(`\n${table(['made with', 'kind', 'scope', 'by'], rows)}`);
      }
      if (id.startsWith('edit_')) {
        const edit = await client.edits.get(id);
        if (options.json) return printJson(edit);
        const active = edit.active_on.map(({ branch, version_id }) => `${branch} (${short(version_id)})`).join(', ');
        console.log(
          `${edit.id}  ${edit.custom_id}\n  asked    ${wording(edit)}\n  in       ${edit.job_id}\n  acts on  ${active === '' ? 'no branch' : active}`,
        );
        if (edit.result === null) return;
        const { outcome, answer_before, answer_after, error } = edit.result;
        return console.log(
          `  ${outcome}  ${error === null ? `${answer_before.trim()} -> ${answer_after.trim()}` : error.message}`,
        );
      }
      if (id.startsWith('job_')) {
        const job = await client.jobs.get(id);
        if (options.json) return printJson(job);
        console.log(outcomeOf(job));
        if (job.summary !== null) console.log(`\n${metricsTable(job.summary)}\n\n${costLine(job.summary)}`);
        return;
      }
      const model = await client.models.get(id);
      if (options.json) return printJson(model);
      console.log(
        `${model.name}  ${model.model_type}, ${model.layers} layers, ${model.parameters} parameters\n  digest ${model.digest}${model.origin.map((from) => `\n  from   ${originLine(from)}`).join('')}`,
      );
      console.log(
        table(
          ['branch', 'head', 'edited'],
          model.branches.map(({ name, head, edited }) => [name, head, edited ? 'yes' : 'no']),
        ),
      );
    });
}
