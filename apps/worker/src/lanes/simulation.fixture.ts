// A simulated service: workers that can be stopped at every step, two branches, a queue that forgets, a clock of its own. Verdicts on
// failures, the gate and the rules of the database (simulated-database.fixture.ts) are the real ones; the loop of a worker is a model.
import { ErrataError, isTerminal, type JobState, judge } from '@errata/contracts';
import { maxAttempts } from '@errata/lineage';
import type { History } from '../../../../test/support/recorded-history.ts';
import { Interruption, judgeFailure } from '../attempts/failed-attempt.ts';
import { type Defect, type Job, leaseMs, openSimulatedDatabase, type Request } from './simulated-database.fixture.ts';

const branches = ['left', 'right'] as const;
const gate = { rules: [{ metric: 'delta_norm' as const, against: 'absolute' as const, each: false, max: 1 }] };
/** Turns during which something may go wrong; afterwards everything must come to its end. */
const faultyTurns = 600;

/** Runs one seed to its end; answers with its history. `next` gives uniform numbers in [0, 1). */
export function simulate(next: () => number, defect?: Defect): History {
  let now = 0;
  let faulty = true;
  const db = openSimulatedDatabase(branches, () => now, defect);
  /** Wake-ups that wait, by lane. Whoever takes one may die with it. */
  const queue = new Set<string>();
  const oneOf = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)]!;
  /** What was asked of the database happened; whether its answer arrives is another matter. */
  const answered = <T>(value: T): T => {
    if (faulty && next() < 0.05) throw new ErrataError('unavailable', 'the connection broke');
    return value;
  };

  // Every `yield` is a place where a worker can die, freeze, or lose the answer of what it has just done.
  function* worker(name: string): Generator<void, void> {
    for (;;) {
      yield;
      const [lane] = queue;
      if (lane === undefined) continue;
      queue.delete(lane);
      yield;
      const lease = db.acquire(name, lane);
      if (lease === null) continue;
      for (;;) {
        yield;
        const job = answered(db.take(lease));
        if (job === null) break;
        let state: JobState = 'running';
        try {
          const parent = db.headOf(lane);
          const outcome = db.plan(job);
          yield;
          if (!db.renew(lease)) throw new Interruption('let_go', 'the lease was taken over');
          yield;
          if (outcome.kind === 'edit') {
            db.step(lease, job, state, 'evaluating');
            state = 'evaluating';
            answered(null);
            yield;
            const verdict = judge(gate, { values: { delta_norm: job.bad ? 2 : 0.5 } });
            yield;
            // What changes nothing is not judged.
            if (outcome.added.length > 0 && !verdict.passed) {
              db.step(lease, job, state, 'gated_out');
              break;
            }
          }
          db.step(lease, job, state, 'committing');
          state = 'committing';
          yield;
          db.commit(lease, job, parent, outcome);
          answered(null);
          state = 'succeeded';
        } catch (thrown) {
          const failed = judgeFailure(thrown, job.attempts, 100);
          yield;
          try {
            if (failed.kind === 'let_go') break;
            if (failed.kind === 'retry') db.requeue(lease, job, state, failed.delayMs);
            else db.step(lease, job, state, failed.kind === 'hand_back' ? 'queued' : failed.kind);
          } catch {
            break;
          }
        }
      }
      yield;
      db.release(lease);
    }
  }

  let names = 0;
  const hire = () => {
    names += 1;
    return { run: worker(`w${names}`), frozenUntil: 0 };
  };
  const crew = [hire(), hire(), hire()];
  const request = (branch: string): Request => {
    const choice = next();
    const active = db.activeEdits(branch);
    if (choice < 0.15) return { kind: 'reset', version: oneOf(db.versionsOf(branch)) };
    if (choice < 0.35 && active.length > 0) return { kind: 'exact', edit: oneOf(active) };
    if (choice < 0.45 && active.length > 0) return { kind: 'edit', bad: false, again: oneOf(active) };
    return { kind: 'edit', bad: choice > 0.85 };
  };
  const isOpen = ({ state }: Job) => !isTerminal(state);
  for (let turn = 0; turn < faultyTurns || db.jobs.some(isOpen); turn++) {
    if (turn > 6_000) throw new Error('the service makes no progress');
    faulty = turn < faultyTurns;
    now += Math.floor(next() * 200);
    if (faulty && db.jobs.length < 16 && next() < 0.08) {
      const branch = oneOf(branches);
      db.submit(branch, request(branch));
      queue.add(branch);
    }
    if (faulty && next() < 0.02) queue.clear();
    if (defect !== 'no reconciler' && next() < 0.1) for (const lane of db.lanesNeedingWork()) queue.add(lane);
    if (faulty && db.jobs.length > 0 && next() < 0.01) {
      const job = oneOf(db.jobs);
      if (isOpen(job) && job.state !== 'committing') job.cancelRequested = true;
    }
    const at = Math.floor(next() * crew.length);
    const chosen = crew[at]!;
    if (chosen.frozenUntil > now) continue;
    if (faulty && next() < 0.02) crew[at] = hire();
    else if (faulty && next() < 0.03) chosen.frozenUntil = now + Math.floor(next() * 3 * leaseMs);
    else {
      try {
        chosen.run.next();
      } catch (error) {
        // Outside of a job: the lane is given up, as in service.
        if (!(error instanceof ErrataError)) throw error;
        crew[at] = hire();
      }
    }
  }
  if (db.jobs.some(({ attempts }) => attempts > maxAttempts)) throw new Error('a job was tried too often');
  return db.history();
}
