// The queue in simulated time: what lies between a submission and a worker, by the rules that workers go by, a million jobs in seconds.
import { jobFormat } from '@errata/contracts';
import { mayTake } from '@errata/lineage';
import { handOnAfterMs, turnIsOver } from '../../apps/worker/src/index.ts';
import { createAgenda } from './agenda.ts';

/** Milliseconds. */
export interface Costs {
  /** Of taking a lane and giving it back. */
  readonly turn: number;
  /** Of looking for its next job, and taking it if there is one. */
  readonly look: number;
  /** Of a job, beside those of its edits. */
  readonly job: number;
  readonly edit: number;
}

export interface Branch {
  /** Whose it is: the number of a key. */
  readonly key: number;
  /** What its jobs need of a worker. */
  readonly needs: readonly string[];
}

export interface Submission {
  /** In ms. */
  readonly at: number;
  readonly branch: number;
  readonly edits: number;
}

export interface Setting {
  readonly branches: readonly Branch[];
  /** What each worker has. */
  readonly workers: readonly (readonly string[])[];
  readonly costs: Costs;
  /** Ordered by time. */
  readonly submissions: Iterable<Submission>;
  /** Between two looks for lanes that nobody works, in ms. */
  readonly reconcileMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** When the queue loses all that waits in it, in ms. */
  readonly losesAt?: number;
  /** When a lane goes to the back of the queue; as of workers unless given. */
  readonly isOver?: typeof turnIsOver;
  readonly onTaken?: (job: Taken) => void;
  /** A worker is done with a job, and takes no other of its lane before. */
  readonly onEnded?: (job: Taken) => void;
}

export interface Taken extends Submission {
  /** Number of the worker. */
  readonly worker: number;
  /** Its place among the jobs of its branch: 0, 1, 2 ... */
  readonly sequence: number;
  /** Since when nothing but the queue kept it waiting. */
  readonly readyAt: number;
  readonly takenAt: number;
  readonly endsAt: number;
}

export interface Run {
  readonly jobs: number;
  /** When the last job ended, in ms. */
  readonly endedAt: number;
  /** What workers spent on jobs, in ms, all of them together. */
  readonly busyMs: number;
  /** Wake-ups that were handled, and looks for a next job. */
  readonly turns: number;
  readonly looks: number;
  /** Wake-ups that were not for the worker that got them. */
  readonly handedOn: number;
  /** Lanes that reconcilers woke, and how often they looked. */
  readonly reconciled: number;
  readonly reconciles: number;
  /** Turns that others had while a lane waited for its own, at most. */
  readonly overtaken: number;
  /** Lanes that waited for a worker at once, and jobs, at most. */
  readonly lanesWaiting: number;
  readonly jobsWaiting: number;
}

interface Lane extends Branch {
  readonly index: number;
  /** Submitted and not taken, from `first` on. */
  jobs: Submission[];
  first: number;
  taken: number;
  endedAt: number;
  /** Where its wake-up is: the queue keeps one that waits, or one that comes while its lane is worked. */
  wakeUp: 'none' | 'waits' | 'handled' | 'handled, another follows';
  turnsBefore: number;
}

export function simulate({
  costs,
  random,
  reconcileMs,
  losesAt,
  isOver = turnIsOver,
  onTaken,
  onEnded,
  ...given
}: Setting): Run {
  const agenda = createAgenda();
  const lanes = given.branches.map(
    (branch, index): Lane => ({
      ...branch,
      index,
      jobs: [],
      first: 0,
      taken: 0,
      endedAt: 0,
      wakeUp: 'none',
      turnsBefore: 0,
    }),
  );
  const workers = given.workers.map((labels, number) => ({ labels, number }));
  const submissions = given.submissions[Symbol.iterator]();
  const idle = [...workers];
  let waiting: Lane[] = [];
  let next = 0;
  const count = { jobs: 0, turns: 0, looks: 0, handedOn: 0, reconciled: 0, reconciles: 0, overtaken: 0 };
  const most = { lanesWaiting: 0, jobsWaiting: 0 };
  let [busyMs, endedAt, open] = [0, 0, 0];

  const wake = (lane: Lane) => {
    if (lane.wakeUp === 'handled') lane.wakeUp = 'handled, another follows';
    if (lane.wakeUp !== 'none') return;
    lane.wakeUp = 'waits';
    lane.turnsBefore = count.turns;
    waiting.push(lane);
    most.lanesWaiting = Math.max(most.lanesWaiting, waiting.length - next);
    serve();
  };
  const serve = () => {
    while (idle.length > 0 && next < waiting.length) {
      const lane = waiting[next++]!;
      if (next > 10_000) {
        waiting = waiting.slice(next);
        next = 0;
      }
      lane.wakeUp = 'handled';
      // Of those that wait, who has waited longest.
      takeTurn(idle.shift()!, lane);
    }
  };
  const takeTurn = (worker: (typeof workers)[number], lane: Lane) => {
    count.overtaken = Math.max(count.overtaken, count.turns - lane.turnsBefore);
    count.turns++;
    let jobs = 0;
    const began = agenda.now() + costs.turn;
    const end = () => {
      const another = lane.wakeUp === 'handled, another follows';
      lane.wakeUp = 'none';
      if (another) wake(lane);
      idle.push(worker);
      serve();
    };
    const look = () => {
      if (isOver({ jobs, ms: agenda.now() - began })) {
        wake(lane);
        return end();
      }
      count.looks++;
      agenda.after(costs.look, () => {
        const job = lane.jobs[lane.first];
        if (job === undefined) return end();
        if (!mayTake(worker.labels, { kind: 'edit', format: jobFormat, needs: lane.needs })) {
          count.handedOn++;
          agenda.after(handOnAfterMs(random()), () => wake(lane));
          return end();
        }
        lane.first++;
        open--;
        if (lane.first > 1_000) {
          lane.jobs = lane.jobs.slice(lane.first);
          lane.first = 0;
        }
        jobs++;
        const ms = costs.job + job.edits * costs.edit * (0.5 + random());
        const { at, branch, edits } = job;
        const takenAt = agenda.now();
        const readyAt = Math.max(at, lane.endedAt);
        const taken = {
          worker: worker.number,
          at,
          branch,
          edits,
          sequence: lane.taken++,
          readyAt,
          takenAt,
          endsAt: takenAt + ms,
        };
        onTaken?.(taken);
        busyMs += ms;
        agenda.after(ms, () => {
          count.jobs++;
          endedAt = lane.endedAt = agenda.now();
          onEnded?.(taken);
          look();
        });
      });
    };
    agenda.at(began, look);
  };
  const submit = () => {
    const { value, done } = submissions.next();
    if (done === true) return;
    agenda.at(value.at, () => {
      const lane = lanes[value.branch]!;
      lane.jobs.push(value);
      most.jobsWaiting = Math.max(most.jobsWaiting, ++open);
      wake(lane);
      submit();
    });
  };
  const reconcile = () => {
    count.reconciles++;
    for (const lane of lanes) {
      const held = lane.wakeUp === 'handled' || lane.wakeUp === 'handled, another follows';
      if (held || lane.first === lane.jobs.length) continue;
      count.reconciled++;
      wake(lane);
    }
    if (agenda.size() > 0) agenda.after(reconcileMs, reconcile);
  };
  submit();
  agenda.at(0, reconcile);
  if (losesAt !== undefined)
    agenda.at(losesAt, () => {
      for (const lane of waiting.slice(next)) lane.wakeUp = 'none';
      waiting = [];
      next = 0;
    });
  agenda.run();
  return { ...count, ...most, busyMs, endedAt };
}
