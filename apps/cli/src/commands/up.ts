// errata up: keeps the whole service running on this machine until it is interrupted.
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import colors from 'picocolors';
import { given, readGiven } from '../arguments/environment.ts';
import { portNumber, wholeNumber } from '../arguments/numbers.ts';
import { exitCodes } from '../output/exit-codes.ts';
import { progressLine } from '../output/output.ts';
import { defaultDataDir } from '../service/connection.ts';
import { signInAddress } from '../service/sign-in.ts';
import { shippedModelFromHere } from '../shipped-model.ts';
import { onInterrupt, whenAborted } from '../stack/interrupts.ts';
import { type Stack, startStack } from '../stack/stack.ts';

export function register(program: Command): void {
  program
    .command('up')
    .description('start the database, the queue, the API and workers, and keep them running')
    .option('--port <port>', 'port of the API; 0 for a free one (default: PORT, else 7700)', portNumber)
    .option('--host <host>', 'address to listen on (default: HOST, else 127.0.0.1)')
    .option('--workers <count>', 'worker processes', wholeNumber, 1)
    .option('--data <dir>', 'where everything is kept', defaultDataDir())
    .option('--json', 'print one line of JSON once it is up')
    .action(async (options: { port?: number; host?: string; workers: number; data: string; json?: true }) => {
      const interrupts = onInterrupt();
      const progress = progressLine();
      const started = startStack({
        dataDir: resolve(options.data),
        workers: options.workers,
        port: options.port ?? readGiven('PORT', portNumber) ?? 7700,
        host: options.host ?? given('HOST') ?? '127.0.0.1',
        saveConnection: true,
        interrupts,
        onStep: (step) => progress.update('starting', step),
        say: (line) => console.error(`${colors.yellow(new Date().toISOString())} ${line}`),
      }).finally(progress.done);
      const stack = await started.catch((error: unknown) => {
        if (!interrupts.stop.aborted) throw error;
        process.exitCode = exitCodes.interrupted;
      });
      if (stack === undefined) return;
      if (options.json) {
        const { url, apiKey: api_key, queue, dataDir: data } = stack;
        console.log(JSON.stringify({ url, api_key, queue, data }));
      } else console.log(welcome(stack, await addressOf(stack)));
      await whenAborted(interrupts.stop);
      if (!options.json) console.log('\nStopping... (once more, and everything is killed)');
      await stack.stop();
    });
}

const addressOf = async ({ url, apiKey: api_key, databaseUrl: database_url }: Stack): Promise<string> =>
  (await signInAddress({ url, api_key, database_url })) ?? `${url}/`;

const welcome = ({ url, apiKey, queue, dataDir }: Stack, dashboard: string) => `${colors.green('Errata is up.')}

  dashboard ${dashboard}
            (signs in once, within ten minutes; npx errata dashboard prints another)
  API       ${url}/v1   (specification: ${url}/openapi.json)
  API key   ${apiKey}
  queue     ${queue}
  data      ${dataDir}   (logs in logs/)

Try, in another terminal:

  npx errata import atlas ${shippedModelFromHere()}
  npx errata ask atlas "The capital of France is"
  head -5 ${join(shippedModelFromHere(), 'edits.jsonl')} | npx errata edit - --model atlas
  npx errata log atlas
  npx errata rollback atlas --to VERSION --reason "back again"

Ctrl-C stops everything.`;
