// The errata command: one program, one subcommand a file, of which only the one that is asked for is loaded.
import { build, ErrataError } from '@errata/contracts';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { exitCodes } from './output/exit-codes.ts';

/** Where each command is, in the order in which help lists them. */
const commands: Readonly<Record<string, () => Promise<{ register(program: Command): void }>>> = {
  up: () => import('./commands/up.ts'),
  dashboard: () => import('./commands/dashboard.ts'),
  demo: () => import('./commands/demo.ts'),
  import: () => import('./commands/import.ts'),
  artefact: () => import('./commands/artefact.ts'),
  edit: () => import('./commands/edit.ts'),
  inbox: () => import('./commands/inbox.ts'),
  schedule: () => import('./commands/schedule.ts'),
  webhook: () => import('./commands/webhook.ts'),
  jobs: () => import('./commands/jobs.ts'),
  worker: () => import('./commands/worker.ts'),
  approve: () => import('./commands/approve.ts'),
  reject: () => import('./commands/approve.ts'),
  gate: () => import('./commands/gate.ts'),
  keys: () => import('./commands/keys.ts'),
  projects: () => import('./commands/projects.ts'),
  audit: () => import('./commands/audit.ts'),
  log: () => import('./commands/log.ts'),
  show: () => import('./commands/show.ts'),
  find: () => import('./commands/find.ts'),
  diff: () => import('./commands/diff.ts'),
  export: () => import('./commands/export.ts'),
  evaluate: () => import('./commands/evaluate-version.ts'),
  suite: () => import('./commands/suite.ts'),
  compare: () => import('./commands/compare.ts'),
  bisect: () => import('./commands/bisect.ts'),
  blame: () => import('./commands/blame.ts'),
  ask: () => import('./commands/ask.ts'),
  revert: () => import('./commands/revert.ts'),
  'cherry-pick': () => import('./commands/cherry-pick.ts'),
  reset: () => import('./commands/reset.ts'),
  rollback: () => import('./commands/rollback.ts'),
  branch: () => import('./commands/branch.ts'),
  tag: () => import('./commands/tag.ts'),
  alias: () => import('./commands/alias.ts'),
  fsck: () => import('./commands/fsck.ts'),
  gc: () => import('./commands/gc.ts'),
  erase: () => import('./commands/erase.ts'),
  doctor: () => import('./commands/doctor.ts'),
  backup: () => import('./commands/backup.ts'),
  restore: () => import('./commands/restore.ts'),
  score: () => import('./commands/score.ts'),
  trace: () => import('./commands/trace.ts'),
  tune: () => import('./commands/tune.ts'),
  try: () => import('./commands/try.ts'),
  data: () => import('./commands/data.ts'),
  eval: () => import('./commands/eval-directory.ts'),
};

const json = process.argv.includes('--json');

const program = new Command('errata')
  .description("Keeps a language model's facts right: batches of corrections, versions, gates and exact undo.")
  .version(build)
  .enablePositionalOptions()
  .showHelpAfterError('(see --help)')
  .configureOutput(json ? { writeErr: () => {} } : {})
  .exitOverride();

/** The one command that is named, none for the version, and all of them to help with anything else. */
function wanted(first = ''): readonly string[] {
  if (Object.hasOwn(commands, first)) return [first];
  return first === '--version' || first === '-V' ? [] : Object.keys(commands);
}

// Two commands may share a file.
for (const { register } of new Set(await Promise.all(wanted(process.argv[2]).map((name) => commands[name]!()))))
  register(program);

try {
  await program.parseAsync();
} catch (thrown) {
  process.exitCode = thrown instanceof CommanderError ? await endOfParsing(thrown) : await tell(thrown);
}

/** What the parser ends with: help that was asked for, or a wrong command line, which it has complained of itself unless a command found it. */
async function endOfParsing(thrown: CommanderError): Promise<number> {
  if (thrown.exitCode === 0) return exitCodes.success;
  const message = thrown.code === 'commander.help' ? 'a command is missing' : thrown.message.replace(/^error: /, '');
  if (json) await tell(new ErrataError('invalid_request', message));
  else if (thrown instanceof InvalidArgumentError) console.error(`error: ${message}\n(see --help)`);
  return exitCodes.usage;
}

async function tell(thrown: unknown): Promise<number> {
  const { printError } = await import('./output/output.ts');
  return printError(thrown, json);
}
