// errata inbox: leaves edits for a schedule, shows what became of them, takes them out again.
import { type InboxState, inboxStates } from '@errata/contracts';
import type { ErrataClient, InboxInput } from '@errata/sdk';
import { type Command, Option } from 'commander';
import { editsToMake } from '../arguments/given-cases.ts';
import { atLeastOne, integer } from '../arguments/numbers.ts';
import { parseReference } from '../arguments/references.ts';
import { printJson, table, wording } from '../output/output.ts';
import { connect } from '../service/connection.ts';

const branchOf = async (client: ErrataClient, reference: string): Promise<string> => {
  const { model, at } = parseReference(reference);
  return (await client.branches.get(model, at)).id;
};

export function register(program: Command): void {
  const inbox = program.command('inbox').description('edits that wait for a schedule');
  const onBranch = (command: Command) =>
    command.requiredOption('-m, --model <model[@branch]>', 'model and branch').option('--json', 'print JSON');

  onBranch(inbox.command('add <file>'))
    .description(
      'leave edits (our own records or a published data set; - reads standard input); custom_id may be left out',
    )
    .option('--layout <name>', 'the layout of the file (errata data layouts); recognised when left out')
    .option('--priority <n>', 'greater goes first, in schedules that order by priority', integer, 0)
    .action(async (file: string, options: { model: string; layout?: string; priority: number; json?: true }) => {
      const client = connect();
      const { edits = [], edits_jsonl } = await editsToMake({ file, layout: options.layout });
      const branch = await branchOf(client, options.model);
      const receipt = await client.inbox.add(branch, edits_jsonl ?? (edits as InboxInput[]), {
        priority: options.priority,
      });
      if (options.json) return printJson(receipt);
      const repeated = receipt.duplicates === 0 ? '' : `, ${receipt.duplicates} were there already`;
      console.log(`${receipt.accepted} added${repeated}; ${receipt.pending} wait in the inbox of ${options.model}`);
    });

  onBranch(inbox.command('list'))
    .description('what waits, and what became of the rest, newest first')
    .addOption(new Option('--state <state>', 'only in this state').choices(inboxStates))
    .option('--limit <n>', 'how many', atLeastOne, 20)
    .action(async (options: { model: string; state?: InboxState; limit: number; json?: true }) => {
      const client = connect();
      const branch = await branchOf(client, options.model);
      const found = await client.inbox.list(branch, { state: options.state }).all(options.limit);
      if (options.json) return printJson(found);
      const rows = found.map((edit) => [
        edit.id,
        edit.state,
        edit.priority,
        edit.prompt,
        edit.target_new,
        edit.reason?.message ?? edit.job_id ?? '',
      ]);
      console.log(table(['inbox edit', 'state', 'priority', 'prompt', 'new answer', 'where or why'], rows));
    });

  onBranch(inbox.command('remove <id...>'))
    .description('withdraw edits that wait')
    .action(async (ids: string[], options: { model: string; json?: true }) => {
      const client = connect();
      const branch = await branchOf(client, options.model);
      const removed = [];
      for (const id of ids) removed.push(await client.inbox.withdraw(branch, id));
      if (options.json) return printJson(removed);
      for (const { id, state, prompt, target_new } of removed)
        console.log(`${state} ${id}: ${wording({ prompt, target_new })}`);
    });

  onBranch(inbox.command('keep <id>'))
    .description('decide a contradiction: this edit stands, those that contradict it are superseded')
    .action(async (id: string, options: { model: string; json?: true }) => {
      const client = connect();
      const kept = await client.inbox.keep(await branchOf(client, options.model), id);
      if (options.json) printJson(kept);
      else console.log(`${kept.state} ${kept.id}: ${wording(kept)}`);
    });
}
