// errata webhook: addresses that are told what happens, what they were told, and telling them again.
import {
  type DeliveryResource,
  type DeliveryState,
  deliveryStates,
  type WebhookEvent,
  type WebhookResource,
  webhookEvents,
} from '@errata/contracts';
import { type Command, Option } from 'commander';
import { atLeastOne, numberIn } from '../arguments/numbers.ts';
import { printJson, table } from '../output/output.ts';
import { connect } from '../service/connection.ts';

interface Asked {
  readonly event?: WebhookEvent[];
  readonly model?: string;
  readonly description?: string;
  readonly url?: string;
  readonly json?: true;
}

const eventOption = () =>
  new Option('-e, --event <event...>', 'what to tell; all when left out').choices(webhookEvents);

export function register(program: Command): void {
  const webhook = program.command('webhook').description('tell addresses when jobs end, gates refuse, branches move');

  webhook
    .command('create <url>')
    .description('have an address told what happens; prints the secret that messages are signed with, once')
    .addOption(eventOption())
    .option('-m, --model <model>', 'only what happens to this model')
    .option('--description <text>', 'what it is for')
    .option('--json', 'print JSON')
    .action(async (url: string, { event: events, model, description, json }: Asked) => {
      const created = await connect().webhooks.create({
        url,
        ...(events === undefined ? {} : { events }),
        ...(model === undefined ? {} : { model }),
        ...(description === undefined ? {} : { description }),
      });
      if (json) return printJson(created);
      console.log(`${created.id} is told of ${created.events.join(', ')}`);
      console.log(`signed with ${created.secret}`);
      console.log('Keep this secret: it is not shown again.');
    });

  webhook
    .command('list', { isDefault: true })
    .description('webhooks, the latest first')
    .option('--json', 'print JSON')
    .action(async ({ json }: Asked) => {
      const found = await connect().webhooks.list().all();
      if (json) return printJson(found);
      const rows = found.map((each) => [
        each.id,
        each.url,
        stateOf(each),
        each.events.join(', '),
        each.model_id ?? 'all',
      ]);
      console.log(table(['webhook', 'url', 'state', 'events', 'model'], rows));
    });

  webhook
    .command('change <webhook>')
    .description('change what is given; what is not given stays')
    .option('--url <url>', 'another address')
    .addOption(eventOption())
    .option('--description <text>', 'what it is for')
    .option('--enable', 'send again, beginning with what has waited')
    .option('--disable', 'send nothing for now')
    .option('--json', 'print JSON')
    .action(async (id: string, options: Asked & { enable?: true; disable?: true }) => {
      const { url, event: events, description, enable, disable, json } = options;
      const changed = await connect().webhooks.change(id, {
        ...(url === undefined ? {} : { url }),
        ...(events === undefined ? {} : { events }),
        ...(description === undefined ? {} : { description }),
        ...(enable ? { enabled: true } : disable ? { enabled: false } : {}),
      });
      if (json) return printJson(changed);
      console.log(`${changed.id} at ${changed.url} is ${stateOf(changed)}, told of ${changed.events.join(', ')}`);
    });

  webhook
    .command('rotate <webhook>')
    .description('give it another secret, printed once; messages are signed with the old one too for a while')
    .option('--overlap <hours>', 'how long both sign; 0 ends the old one at once', numberIn(0, 720), 24)
    .option('--json', 'print JSON')
    .action(async (id: string, { overlap, json }: { overlap: number; json?: true }) => {
      const rotated = await connect().webhooks.rotate(id, { overlap_hours: overlap });
      if (json) return printJson(rotated);
      const until = rotated.previous_secret_ends_at;
      console.log(`signed with ${rotated.secret}${until === null ? '' : `, and with the old secret until ${until}`}`);
      console.log('Keep this secret: it is not shown again.');
    });

  webhook
    .command('delete <webhook>')
    .description('delete it with its deliveries')
    .action(async (id: string) => {
      await connect().webhooks.delete(id);
      console.log(`deleted ${id}`);
    });

  webhook
    .command('test <webhook>')
    .description('send it a message that says nothing else')
    .option('--json', 'print JSON')
    .action(async (id: string, { json }: Asked) => {
      const delivery = await connect().webhooks.test(id);
      if (json) return printJson(delivery);
      console.log(`queued ${delivery.id}; errata webhook deliveries ${id} says what came of it`);
    });

  webhook
    .command('deliveries <webhook>')
    .description('what it was told, the latest first')
    .addOption(new Option('--state <state...>', 'only of these states').choices(deliveryStates))
    .option('--limit <n>', 'how many', atLeastOne, 20)
    .option('--json', 'print JSON')
    .action(async (id: string, options: Asked & { state?: DeliveryState[]; limit: number }) => {
      const found = await connect().webhooks.deliveries(id, { state: options.state }).all(options.limit);
      if (options.json) return printJson(found);
      console.log(table(['delivery', 'event', 'made', 'state', 'attempts', 'last answer'], found.map(rowOf)));
    });

  webhook
    .command('replay <webhook> <delivery>')
    .description('send a message once more, under the same id')
    .option('--json', 'print JSON')
    .action(async (id: string, delivery: string, { json }: Asked) => {
      const replayed = await connect().webhooks.replay(id, delivery);
      if (json) return printJson(replayed);
      console.log(`queued ${replayed.id}`);
    });
}

const stateOf = ({ enabled, disabled_reason }: WebhookResource): string =>
  enabled ? 'enabled' : `disabled${disabled_reason === null ? '' : `: ${disabled_reason}`}`;

function rowOf({ id, message, created_at, state, attempts, log, next_attempt_at }: DeliveryResource) {
  const [last] = log;
  const waits = next_attempt_at === null ? '' : `, next at ${next_attempt_at}`;
  const answer = last === undefined ? '-' : (last.error ?? `${last.status}`);
  return [id, message.type, created_at, state, attempts, `${answer}${last === undefined ? '' : waits}`];
}
