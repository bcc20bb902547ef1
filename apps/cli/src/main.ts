// The errata command: one program, one subcommand a file, of which only the one that is asked for is loaded.
import { Command, CommanderError } from 'commander';
import { exitCodes } from './exit-codes.ts';

/** Where each command is, in the order in which help lists them. */
const commands: Readonly<Record<string, () => Promise<{ register(program: Command): void }>>> = {
  up: () => import('./commands/up.ts'),
  demo: () => import('./commands/demo.ts'),
  import: () => import('./commands/import.ts'),
  artefact: () => import('./commands/artefact.ts'),
  edit: () => import('./commands/edit.ts'),
  inbox: () => import('./commands/inbox.ts'),
  schedule: () => import('./commands/schedule.ts'),
  jobs: () => import('./commands/jobs.ts'),
  approve: () => import('./commands/approve.ts'),
  reject: () => import('./commands/approve.ts'),
  gate: () => import('./commands/gate.ts'),
  keys: () => import('./commands/keys.ts'),
  log: () => import('./commands/log.ts'),
  show: () => import('./commands/show.ts'),
  diff: () => import('./commands/diff.ts'),
  evaluate: () => import('./commands/evaluate.ts'),
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
  score: () => import('./commands/score.ts'),
  try: () => import('./commands/try.ts'),
  data: () => import('./commands/data.ts'),
  eval: () => import('./commands/eval.ts'),
};

const program = new Command('errata')
  .description("Keeps a language model's facts right: batches of corrections, versions, gates and exact undo.")
  .version('0.1.0')
  .enablePositionalOptions()
  .showHelpAfterError('(see --help)')
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
  if (thrown instanceof CommanderError) {
    process.exitCode = thrown.exitCode === 0 ? exitCodes.success : exitCodes.usage;
  } else {
    const { printError } = await import('./output.ts');
    process.exitCode = printError(thrown, process.argv.includes('--json'));
  }
}
