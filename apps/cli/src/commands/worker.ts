// errata worker: the workers of a service with what each is at; one is drained before its machine goes or is upgraded.
import type { Command } from 'commander';
import { printJson, table } from '../output/output.ts';
import { connect } from '../service/connection.ts';

export function register(program: Command): void {
  const worker = program.command('worker').description('the workers of the service');

  worker
    .command('list', { isDefault: true })
    .description('those that have been heard of lately, with the jobs that they are at')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: true }) => {
      const { workers } = await connect().queue.get();
      if (json) return printJson(workers);
      const rows = workers.map(({ name, labels, draining, work }) => [
        name,
        labels.join(' ') || '-',
        work.map(({ job_id, kind }) => `${kind} ${job_id}`).join(', ') || '-',
        draining ? 'takes no more' : 'takes jobs',
      ]);
      console.log(table(['worker', 'labels', 'at', ''], rows));
    });

  worker
    .command('drain <name>')
    .description('have one take no more; it ends when what it is at has ended')
    .option('--json', 'print JSON')
    .action(async (name: string, { json }: { json?: true }) => {
      await connect().queue.drain(name);
      if (json) printJson({ name, draining: true });
      else console.log(`${name} takes no more`);
    });
}
