// errata keys: makes, lists, rotates and revokes API keys. Talks to the database itself, since without a key nobody can ask the API.
import { ErrataError, type Scope, scopes } from '@errata/contracts';
import {
  createKey,
  findProject,
  getModel,
  type KeyRecord,
  type Lineage,
  listKeys,
  openLineage,
  revokeKey,
  rotateKey,
} from '@errata/lineage';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { minute, printJson, table } from '../output/output.ts';
import { databaseOfService } from '../service/connection.ts';

interface NewKey {
  readonly name: string;
  readonly scopes: Scope[];
  readonly project?: string;
  readonly models?: string[];
  readonly days?: number;
  readonly json?: true;
}

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
      if (options.json) return printJson(found.map(plain));
      const rows = found.map(({ id, name, scopes: held, projectId, models, expiresAt, lastUsedAt }) => [
        id,
        name,
        held.length === scopes.length ? 'all' : held.join(' '),
        [...(projectId === null ? [] : [projectId]), ...models].join(' ') || 'all',
        minute(expiresAt),
        minute(lastUsedAt),
      ]);
      console.log(table(['key', 'name', 'scopes', 'reaches', 'ends', 'last used'], rows));
    });

  keys
    .command('create')
    .description('make a key; it is shown once')
    .requiredOption('--name <name>', 'who or what it is for')
    .addOption(new Option('--scopes <scope...>', 'what it may do').choices(scopes).default([...scopes], 'all'))
    .option('--project <project>', 'the project that it is for, by name or id (default: the whole service)')
    .option('--models <model...>', 'the models that it is limited to, by name or id')
    .option('--days <days>', 'when it ends by itself (default: never)', positive)
    .option('--json', 'print JSON')
    .action(async ({ name, scopes, project, models: named = [], days, json }: NewKey) => {
      const expiresAt = days === undefined ? null : new Date(Date.now() + days * dayMs);
      const { key, token } = await onDatabase(async (lineage) => {
        const models = await Promise.all(named.map(async (model) => (await getModel(lineage, model)).resource.id));
        const projectId = project === undefined ? null : await findProject(lineage, project);
        return createKey(lineage, name, scopes, { expiresAt, projectId, models });
      });
      if (json) printJson({ key: plain(key), token });
      else console.log(token);
    });

  keys
    .command('rotate <id>')
    .description(
      'make a key of the same name, scopes, project and models, shown once; the old one ends after the grace period',
    )
    .option('--grace <hours>', 'how long both are valid', positive, 24)
    .option('--json', 'print JSON')
    .action(async (id: string, { grace, json }: { grace: number; json?: true }) => {
      const made = await onDatabase((lineage) => rotateKey(lineage, id, grace * hourMs));
      if (made === null) throw new ErrataError('not_found', `there is no valid key ${id}`);
      if (json) printJson({ key: plain(made.key), token: made.token });
      else console.log(made.token);
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

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const mostDays = 36_500;

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= mostDays) return value;
  throw new InvalidArgumentError(`must be a number, 0 to ${mostDays}`);
}

const plain = ({ id, name, scopes, projectId, models, createdAt, expiresAt, lastUsedAt }: KeyRecord) => ({
  id,
  name,
  scopes,
  project_id: projectId,
  models: models.length === 0 ? null : models,
  created_at: createdAt,
  expires_at: expiresAt,
  last_used_at: lastUsedAt,
});

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
