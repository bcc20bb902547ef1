// Failpoints: named places where a test can make the process die, fail or dawdle, to prove that no crash there loses or doubles work.
import { ErrataError } from './errors.ts';

/** Every failpoint there is, so that a test can walk through them all. */
export const failpoints = [
  'blob.before_write',
  'blob.before_rename',
  'blob.after_rename',
  'delete.set_aside',
  'take.before',
  'take.after',
  'transition.before',
  'transition.after',
  'commit.before',
  'commit.after_lane_lock',
  'commit.after_version',
  'commit.after_head',
  'commit.after_move',
  'commit.before_commit',
  'commit.after',
  'approval.before',
  'approval.after',
  'approve.before',
  'approve.after',
  'finish.before',
  'finish.after',
  'alias.before',
  'alias.after_move',
  'alias.after',
  'gc.before_mark',
  'gc.after_mark',
  'gc.before_delete',
  'gc.after_delete',
  'gc.before_forget',
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

interface Plan {
  readonly action: 'kill' | 'error' | 'delay';
  /** Acts at this hit, counted from 1. */
  readonly hit: number;
}

let source: string | undefined;
let plans = new Map<string, Plan>();
const hits = new Map<string, number>();

/**
 * Does nothing unless the environment names this place: `ERRATA_FAILPOINT=name[:kill|error|delay[:hit]]`, several with commas.
 * `kill` (the default) is SIGKILL to this process, `error` throws `internal`, `delay` waits for a second; `hit` chooses the n-th
 * passage, otherwise the first.
 */
export async function failpoint(name: Failpoint): Promise<void> {
  const setting = process.env.ERRATA_FAILPOINT;
  if (setting !== source) {
    source = setting;
    plans = readPlans(setting ?? '');
    hits.clear();
  }
  const plan = plans.get(name);
  if (plan === undefined) return;
  const hit = (hits.get(name) ?? 0) + 1;
  hits.set(name, hit);
  if (hit !== plan.hit) return;
  if (plan.action === 'error') throw new ErrataError('internal', `failpoint ${name}`);
  if (plan.action === 'kill') process.kill(process.pid, 'SIGKILL');
  // After a kill, too: nothing more may run while the signal is on its way.
  await new Promise((resolve) => setTimeout(resolve, 1000));
}

function readPlans(setting: string): Map<string, Plan> {
  const read = new Map<string, Plan>();
  for (const part of setting.split(',').filter((text) => text.trim() !== '')) {
    const [name = '', action = 'kill', hit = '1'] = part.trim().split(':');
    if (!failpoints.some((known) => known === name)) throw new TypeError(`ERRATA_FAILPOINT: no failpoint "${name}"`);
    if (action !== 'kill' && action !== 'error' && action !== 'delay')
      throw new TypeError(`ERRATA_FAILPOINT: no action "${action}"; there are kill, error and delay`);
    if (!/^[1-9]\d*$/.test(hit)) throw new TypeError(`ERRATA_FAILPOINT: "${hit}" is not a hit count`);
    read.set(name, { action, hit: Number(hit) });
  }
  return read;
}
