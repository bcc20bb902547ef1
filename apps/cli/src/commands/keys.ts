// errata keys: makes API keys. Talks to the database itself, since without a key nobody can ask the API.
import { ErrataError, type Scope, scopes } from '@errata/contracts';
import { createKey, openLineage } from '@errata/lineage';
import { type Command, Option } from 'commander';
import { printJson } from '../output.ts';

export function register(program: Command): void {
  program
    .command('keys')
    .description('API keys')
    .command('create')
    .description('make a key; it is shown once (needs DATABASE_URL)')
    .requiredOption('--name <name>', 'who or what it is for')
    .addOption(new Option('--scopes <scope...>', 'what it may do').choices(scopes).default([...scopes], 'all'))
    .option('--json', 'print JSON')
    .action(async (options: { name: string; scopes: Scope[]; json?: true }) => {
      const url = process.env.DATABASE_URL;
      if (url === undefined)
        throw new ErrataError('invalid_request', 'set DATABASE_URL to the database of the service');
      const lineage = await openLineage(url);
      try {
        const key = await createKey(lineage, options.name, options.scopes);
        if (options.json) printJson(key);
        else console.log(key.token);
      } finally {
        await lineage.close();
      }
    });
}
