// errata projects: who shares models, and how much of the service they may use together.
import {
  type MemberResource,
  type ProjectResource,
  type Quota,
  quotas,
  type Role,
  roles,
  type SomeQuotas,
} from '@errata/contracts';
import { Argument, type Command, InvalidArgumentError } from 'commander';
import { minute, printJson, table } from '../output/output.ts';
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
    .command('members <project>')
    .description('the keys that are for a project, and the people who have a role in it')
    .option('--json', 'print JSON')
    .action(async (project: string, { json }: Given) => {
      const found = await connect().members.list(project).all();
      if (json) printJson(found);
      else printMembers(found);
    });

  projects
    .command('role <project> <person>')
    .description(
      'give a person a role in a project, whatever the provider of identities says; `provider`: the one that it says',
    )
    .addArgument(new Argument('<role>', 'which').choices([...roles, 'provider']))
    .option('--json', 'print JSON')
    .action(async (project: string, person: string, role: Role | 'provider', { json }: Given) => {
      const member = await connect().members.setRole(project, person, role === 'provider' ? null : role);
      if (json) printJson(member);
      else printMembers([member]);
    });

  projects
    .command('remove <project> <person>')
    .description('take what a person may do in a project, at once and whatever the provider of identities says')
    .option('--json', 'print JSON')
    .action(async (project: string, person: string, { json }: Given) => {
      await connect().members.remove(project, person);
      if (json) printJson({ id: person, removed: true });
      else console.log(`removed ${person} from ${project}`);
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

function printMembers(found: readonly MemberResource[]): void {
  const rows = found.map((member) => [
    member.id,
    member.name,
    standing(member),
    member.models?.join(' ') ?? 'all',
    minute(member.expires_at),
    minute(member.last_used_at),
  ]);
  console.log(table(['member', 'name', 'role', 'models', 'ends', 'last used'], rows));
}

/** The role of a member, or the scopes of a key that has none; and of a person whose role the project gave, what the provider says. */
function standing({ role, scopes, given_by, provider_role }: MemberResource): string {
  if (given_by === null) return role ?? scopes.join(' ');
  const instead = given_by === 'project' ? ` (the provider says ${provider_role ?? 'none'})` : '';
  return `${role ?? 'removed'}${instead}`;
}
