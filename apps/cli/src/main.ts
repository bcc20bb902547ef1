// The errata command: one program, one subcommand a file.
import { Command, CommanderError } from 'commander';
import { register as registerAlias } from './commands/alias.ts';
import { register as registerApprove } from './commands/approve.ts';
import { register as registerArtefact } from './commands/artefact.ts';
import { register as registerAsk } from './commands/ask.ts';
import { register as registerBisect } from './commands/bisect.ts';
import { register as registerBlame } from './commands/blame.ts';
import { register as registerBranch } from './commands/branch.ts';
import { register as registerCherryPick } from './commands/cherry-pick.ts';
import { register as registerCompare } from './commands/compare.ts';
import { register as registerData } from './commands/data.ts';
import { register as registerDemo } from './commands/demo.ts';
import { register as registerDiff } from './commands/diff.ts';
import { register as registerEdit } from './commands/edit.ts';
import { register as registerEval } from './commands/eval.ts';
import { register as registerEvaluate } from './commands/evaluate.ts';
import { register as registerFsck } from './commands/fsck.ts';
import { register as registerGate } from './commands/gate.ts';
import { register as registerGc } from './commands/gc.ts';
import { register as registerImport } from './commands/import.ts';
import { register as registerInbox } from './commands/inbox.ts';
import { register as registerJobs } from './commands/jobs.ts';
import { register as registerKeys } from './commands/keys.ts';
import { register as registerLog } from './commands/log.ts';
import { register as registerReset } from './commands/reset.ts';
import { register as registerRevert } from './commands/revert.ts';
import { register as registerRollback } from './commands/rollback.ts';
import { register as registerSchedule } from './commands/schedule.ts';
import { register as registerScore } from './commands/score.ts';
import { register as registerShow } from './commands/show.ts';
import { register as registerSuite } from './commands/suite.ts';
import { register as registerTag } from './commands/tag.ts';
import { register as registerTry } from './commands/try.ts';
import { register as registerUp } from './commands/up.ts';
import { exitCodes } from './exit-codes.ts';
import { printError } from './output.ts';

const program = new Command('errata')
  .description("Keeps a language model's facts right: batches of corrections, versions, gates and exact undo.")
  .version('0.1.0')
  .enablePositionalOptions()
  .showHelpAfterError('(see --help)')
  .exitOverride();

for (const register of [
  registerUp,
  registerDemo,
  registerImport,
  registerArtefact,
  registerEdit,
  registerInbox,
  registerSchedule,
  registerJobs,
  registerApprove,
  registerGate,
  registerKeys,
  registerLog,
  registerShow,
  registerDiff,
  registerEvaluate,
  registerSuite,
  registerCompare,
  registerBisect,
  registerBlame,
  registerAsk,
  registerRevert,
  registerCherryPick,
  registerReset,
  registerRollback,
  registerBranch,
  registerTag,
  registerAlias,
  registerFsck,
  registerGc,
  registerScore,
  registerTry,
  registerData,
  registerEval,
]) {
  register(program);
}

try {
  await program.parseAsync();
} catch (thrown) {
  if (thrown instanceof CommanderError) {
    process.exitCode = thrown.exitCode === 0 ? exitCodes.success : exitCodes.usage;
  } else {
    process.exitCode = printError(thrown, process.argv.includes('--json'));
  }
}
