// Failpoints: named places where a test can make the process die, freeze or fail, to prove that nothing there loses or doubles work.
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { ErrataError } from '@errata/contracts';

/** Every failpoint there is, so that a test can walk through them all. */
export const failpoints = [
  'submit.before',
  'submit.before_commit',
  'submit.after',
  'blob.before_write',
  'blob.write',
  'blob.before_rename',
  'blob.after_rename',
  'delete.set_aside',
  'lease.before',
  'lease.after',
  'lease.before_release',
  'lease.after_release',
  'take.before',
  'take.after',
  'edit.before',
  'edit.after_solve',
  'edit.after_evaluate',
  'rollback.before',
  'rollback.after_plan',
  'rollback.after_step',
  'rollback.before_conclude',
  'transition.before',
  'transition.after',
  'commit.before',
  'commit.after_lane_lock',
  'commit.after_version',
  'commit.after_head',
  'commit.after_move',
  'commit.after_results',
  'commit.before_commit',
  'commit.after',
  'approval.before',
  'approval.after',
  'approve.before',
  'approve.after',
  'requeue.before',
  'requeue.after',
  'finish.before',
  'finish.after',
  'alias.before',
  'alias.after_move',
  'alias.after',
  'gc.before_drop',
  'gc.after_drop',
  'gc.before_mark',
  'gc.after_unmark',
  'gc.after_mark',
  'gc.before_delete',
  'gc.after_delete',
  'gc.before_forget',
  'gc.after_forget',
  'snapshot.before_record',
  'snapshot.after_record',
  'inbox.before',
  'inbox.after_write',
  'inbox.after',
  'schedule.before',
  'schedule.after_lock',
  'schedule.after_draw',
  'schedule.after_submit',
  'schedule.after_batch',
  'schedule.before_commit',
  'schedule.after',
] as const;
export type Failpoint = (typeof failpoints)[number];

/**
 * - `kill`: SIGKILL to this process.
 * - `stop`: SIGSTOP to this process; it goes on from here at SIGCONT.
 * - `error`: throws `internal`. `full`: throws ENOSPC, as a write to a full disk does.
 * - `short`: where something is written, only half of it is taken, as happens when a disk fills up; elsewhere nothing.
 * - `delay`: waits for a second.
 */
export const faults = ['kill', 'stop', 'error', 'full', 'short', 'delay'] as const;
export type Fault = (typeof faults)[number];

interface Plan {
  readonly fault: Fault;
  /** Acts at this hit, counted from 1. */
  readonly hit: number;
}

let source: string | undefined;
let plans = new Map<Failpoint, readonly Plan[]>();
const hits = new Map<Failpoint, number>();

/**
 * Does nothing unless the environment says so. `ERRATA_FAILPOINT=name[:fault[:hit]]`, several with commas, names places of this
 * process: `kill` is the default, `hit` chooses the n-th passage, otherwise the first. `ERRATA_FAILPOINT=@directory` leaves it to a
 * file in that directory that is called like the place and holds `fault[:hit]`: whichever process gets there first takes it, so that
 * a fault befalls one of many processes, while they run. What was taken lies in `taken`, as `place.pid`, before the fault acts.
 * Answers with `short` for the caller to act upon.
 */
export async function failpoint(name: Failpoint): Promise<'short' | undefined> {
  const setting = process.env.ERRATA_FAILPOINT;
  if (setting !== source) {
    source = setting;
    plans = setting?.startsWith('@') === true ? new Map() : readPlans(setting ?? '');
    hits.clear();
  }
  if (setting === undefined) return;
  const fault = setting.startsWith('@') ? takeFrom(setting.slice(1), name) : planned(name);
  return fault === undefined ? undefined : suffer(name, fault);
}

async function suffer(name: Failpoint, fault: Fault): Promise<'short' | undefined> {
  switch (fault) {
    case 'error':
      throw new ErrataError('internal', `failpoint ${name}`);
    case 'full':
      throw Object.assign(new Error(`ENOSPC: no space left on device (failpoint ${name})`), {
        code: 'ENOSPC',
        syscall: 'write',
      });
    case 'short':
      return 'short';
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      break;
    case 'stop':
      process.kill(process.pid, 'SIGSTOP');
      break;
    case 'delay':
      break;
  }
  // After a signal, too: nothing more may run while it is on its way.
  await new Promise((resolve) => setTimeout(resolve, fault === 'stop' ? 50 : 1000));
  return;
}

function planned(name: Failpoint): Fault | undefined {
  const mine = plans.get(name);
  if (mine === undefined) return;
  const hit = (hits.get(name) ?? 0) + 1;
  hits.set(name, hit);
  return mine.find((plan) => plan.hit === hit)?.fault;
}

function takeFrom(directory: string, name: Failpoint): Fault | undefined {
  const file = join(directory, name);
  try {
    const { fault, hit } = readPlan(readFileSync(file, 'utf8').trim());
    const seen = (hits.get(name) ?? 0) + 1;
    hits.set(name, seen);
    if (seen < hit) return;
    mkdirSync(join(directory, 'taken'), { recursive: true });
    renameSync(file, join(directory, 'taken', `${name}.${process.pid}`));
    hits.delete(name);
    return fault;
  } catch (error) {
    // Nothing is armed here, or another process was quicker.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
}

function readPlans(setting: string): Map<Failpoint, readonly Plan[]> {
  const read = new Map<Failpoint, readonly Plan[]>();
  for (const part of setting.split(',').filter((text) => text.trim() !== '')) {
    const [given = '', ...plan] = part.trim().split(':');
    const name = failpoints.find((known) => known === given);
    if (name === undefined) throw new TypeError(`ERRATA_FAILPOINT: no failpoint "${given}"`);
    read.set(name, [...(read.get(name) ?? []), readPlan(plan.join(':'))]);
  }
  return read;
}

function readPlan(text: string): Plan {
  const [given = '', hit = '1'] = text.split(':');
  const fault = given === '' ? 'kill' : faults.find((known) => known === given);
  if (fault === undefined)
    throw new TypeError(`ERRATA_FAILPOINT: no action "${given}"; there are ${faults.join(', ')}`);
  if (!/^[1-9]\d*$/.test(hit)) throw new TypeError(`ERRATA_FAILPOINT: "${hit}" is not a hit count`);
  return { fault, hit: Number(hit) };
}
