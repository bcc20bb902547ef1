// errata up: keeps the whole service running on this machine until it is interrupted.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import colors from 'picocolors';
import { defaultDataDir } from '../connection.ts';
import { wholeNumber } from '../numbers.ts';
import { progressLine } from '../output.ts';
import { type Stack, startStack } from '../stack.ts';

export function register(program: Command): void {
  program
    .command('up')
    .description('start the database, the queue, the API and workers, and keep them running')
    .option('--port <port>', 'port of the API; 0 for a free one', wholeNumber, 7700)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--workers <count>', 'worker processes', wholeNumber, 1)
    .option('--data <dir>', 'where everything is kept', defaultDataDir())
    .option('--json', 'print one line of JSON once it is up')
    .action(async (options: { port: number; host: string; workers: number; data: string; json?: true }) => {
      const progress = progressLine();
      const stack = await startStack({
        dataDir: resolve(options.data),
        workers: options.workers,
        port: options.port,
        host: options.host,
        saveConnection: true,
        onStep: (step) => progress.update('starting', step),
      }).finally(progress.done);
      if (options.json) {
        const { url, apiKey: api_key, queue, dataDir: data } = stack;
        console.log(JSON.stringify({ url, api_key, queue, data }));
      } else console.log(welcome(stack));
      await interrupted();
      if (!options.json) console.log('\nStopping...');
      await stack.stop();
    });
}

const welcome = ({ url, apiKey, queue, dataDir }: Stack) => `${colors.green('Errata is up.')}

  API       ${url}/v1   (specification: ${url}/openapi.json)
  API key   ${apiKey}
  queue     ${queue}
  data      ${dataDir}   (logs in logs/)

Try, in another terminal:

  npx errata import atlas models/atlas
  npx errata ask atlas "The capital of France is"
  head -5 models/atlas/edits.jsonl | npx errata edit - --model atlas
  npx errata log atlas
  npx errata rollback atlas --to VERSION --reason "back again"

Ctrl-C stops everything.`;

const interrupted = () =>
  new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => done());
  });
