// errata projects: who shares models, and how much of the service they may use together.
import { type ProjectResource, type Quota, quotas, type SomeQuotas } from '@errata/contracts';
import { type Command, InvalidArgumentError } from 'commander';
import { printJson, table } from '../output/output.ts';
import { connect } from '../service/connection.ts';

interface Given {
  readonly quota?: SomeQuotas;
  readonly json?: true;
}

const quotaFlags = '-q, --quota <name=bound...>';
const whatQuotas = `at most so many: ${quotas.map((name) => `${name}=N`).join(', ')}; =none for no bound`;

export function register(program: Command): void {
  const projects = program.command('projects').description('who shares models, and how much they may use together');

  projects
    .command('list', { isDefault: true })
    .description('projects, with what is used of each quota and what may be')
    .option('--json', 'print JSON')
    .action(async ({ json }: Given) => {
      const found = await connect().projects.list().all();
      if (json) printJson(found);
      else print(found);
    });

  projects
    .command('show <project>')
    .description('a project, with what is used of each quota and what may be')
    .option('--json', 'print JSON')
    .action(async (project: string, { json }: Given) => {
      const found = await connect().projects.get(project);
      if (json) printJson(found);
      else print([found]);
    });

  projects
    .command('create <name>')
    .description('make a project; `errata keys create --project` makes keys for it')
    .option(quotaFlags, whatQuotas, addQuota)
    .option('--json', 'print JSON')
    .action(async (name: string, { quota = {}, json }: Given) => {
      const made = await connect().projects.create({ name, quotas: quota });
      if (json) printJson(made);
      else print([made]);
    });

  projects
    .command('change <project>')
    .description('change the name or quotas of a project')
    .option('--name <name>', 'its new name')
    .option(quotaFlags, whatQuotas, addQuota)
    .option('--json', 'print JSON')
    .action(async (project: string, { name, quota = {}, json }: Given & { readonly name?: string }) => {
      const changed = await connect().projects.change(project, { ...(name !== undefined && { name }), quotas: quota });
      if (json) printJson(changed);
      else print([changed]);
    });

  projects
    .command('move <model> <project>')
    .description('give a model to a project; keys for the project that had it reach it no more')
    .option('--json', 'print JSON')
    .action(async (model: string, project: string, { json }: Given) => {
      const found = await connect().projects.moveModel(project, model);
      if (json) printJson(found);
      else console.log(`${model} belongs to ${found.name}`);
    });
}

function addQuota(text: string, known: SomeQuotas = {}): SomeQuotas {
  const [name = '', bound = ''] = text.split('=');
  const quota = quotas.find((each) => each === name);
  const value = bound === 'none' ? null : Number(bound);
  if (quota === undefined || bound === '' || (value !== null && !(Number.isSafeInteger(value) && value >= 0)))
    throw new InvalidArgumentError(`write ${quotas.join('=N or ')}=N, or =none`);
  return { ...known, [quota]: value };
}

function print(found: readonly ProjectResource[]): void {
  const share = (project: ProjectResource, quota: Quota) =>
    `${project.usage[quota]} of ${project.quotas[quota] ?? 'any'}`;
  const rows = found.map((each) => [each.name, String(each.models), ...quotas.map((quota) => share(each, quota))]);
  console.log(table(['project', 'models', ...quotas.map((quota) => quota.replaceAll('_', ' '))], rows));
}
