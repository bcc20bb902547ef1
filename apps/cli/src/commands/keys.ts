// errata keys: makes, lists and revokes API keys. Talks to the database itself, since without a key nobody can ask the API.
import { ErrataError, type Scope, scopes } from '@errata/contracts';
import { createKey, type Lineage, listKeys, openLineage, revokeKey } from '@errata/lineage';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { printJson, table } from '../output/output.ts';
import { databaseOfService } from '../service/connection.ts';

export function register(program: Command): void {
  const keys = program
    .command('keys')
    .description('API keys, in the database that DATABASE_URL names or that of the running local stack');

  keys
    .command('list', { isDefault: true })
    .description('the keys that are valid')
    .option('--json', 'print JSON')
    .action(async (options: { json?: true }) => {
      const found = await onDatabase(listKeys);
      if (options.json) return printJson(found);
      const rows = found.map(({ id, name, scopes: held }) => [
        id,
        name,
        held.length === scopes.length ? 'all' : held.join(' '),
      ]);
      console.log(table(['key', 'name', 'scopes'], rows));
    });

  keys
    .command('create')
    .description('make a key; it is shown once')
    .requiredOption('--name <name>', 'who or what it is for')
    .addOption(new Option('--scopes <scope...>', 'what it may do').choices(scopes).default([...scopes], 'all'))
    .option('--json', 'print JSON')
    .action(async (options: { name: string; scopes: Scope[]; json?: true }) => {
      const key = await onDatabase((lineage) => createKey(lineage, options.name, options.scopes));
      if (options.json) printJson(key);
      else console.log(key.token);
    });

  keys
    .command('revoke <id>')
    .description('make a key worthless, at once')
    .option('--json', 'print JSON')
    .action(async (id: string, options: { json?: true }) => {
      if (!(await onDatabase((lineage) => revokeKey(lineage, id))))
        throw new ErrataError('not_found', `there is no valid key ${id}`);
      if (options.json) printJson({ id, revoked: true });
      else console.log(`revoked ${id}`);
    });
}

async function onDatabase<T>(work: (lineage: Lineage) => Promise<T>): Promise<T> {
  const url = databaseOfService();
  if (url === undefined) throw new InvalidArgumentError('set DATABASE_URL to the database of the service');
  const lineage = await openLineage(url);
  try {
    return await work(lineage);
  } finally {
    await lineage.close();
  }
}
