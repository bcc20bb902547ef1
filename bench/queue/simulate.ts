// The queue in simulated time: what lies between a submission and a worker, by the rules that workers go by, a million jobs in seconds.
import { jobFormat, type Priority, priorities } from '@errata/contracts';
import { byTurn, countedMs, fadedMs, mayTake, type Waiting } from '@errata/lineage';
import { handOnAfterMs, turnIsOver } from '../../apps/worker/src/index.ts';
import { createAgenda } from './agenda.ts';

/** Milliseconds. */
export interface Costs {
  /** Of choosing a lane, taking it and giving it back. */
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
  readonly priority: Priority;
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
  /** When others are to have their turn; as of workers unless given. */
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
  /** Turns that were taken, and looks for a next job. */
  readonly turns: number;
  readonly looks: number;
  /** Wake-ups that were not for the worker that got them. */
  readonly handedOn: number;
  /** Lanes that reconcilers woke, and how often they looked. */
  readonly reconciled: number;
  readonly reconciles: number;
  /** Turns that other lanes of its key had, of workers who could have taken it, while a lane waited for its own: at most. */
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
  /** How many of its jobs are submitted and not taken, by priority. */
  readonly open: Record<Priority, number>;
  /** A wake-up for it waits in the queue: there is one at most. */
  woken: boolean;
  held: boolean;
  /** When it was taken or given back. */
  changedAt: number;
  /** Turns since it waits that other lanes of its key had of workers who could have taken it. */
  overtaken: number;
}

interface Key {
  /** What counts of the worker time that it has had, and when that was so. */
  ms: number;
  countedAt: number;
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
      open: { low: 0, normal: 0, high: 0 },
      woken: false,
      held: false,
      changedAt: 0,
      overtaken: 0,
    }),
  );
  const keys = new Map(lanes.map(({ key }): [number, Key] => [key, { ms: 0, countedAt: 0 }]));
  const workers = given.workers.map((labels, number) => ({ labels, number }));
  type Worker = (typeof workers)[number];
  const submissions = given.submissions[Symbol.iterator]();
  const idle = [...workers];
  /** Lanes with a job that nobody is at, and those that somebody is at. */
  const [waiting, held] = [new Set<Lane>(), new Set<Lane>()];
  let wakeUps: Lane[] = [];
  const count = { jobs: 0, turns: 0, looks: 0, handedOn: 0, reconciled: 0, reconciles: 0, overtaken: 0 };
  const most = { lanesWaiting: 0, jobsWaiting: 0 };
  let [busyMs, endedAt, open] = [0, 0, 0];

  const wake = (lane: Lane) => {
    if (lane.woken) return;
    lane.woken = true;
    wakeUps.push(lane);
    serve();
  };
  const serve = () => {
    while (idle.length > 0 && wakeUps.length > 0) {
      const lane = wakeUps.shift()!;
      lane.woken = false;
      // Of workers that wait, who has waited longest.
      takeTurns(idle.shift()!, lane);
    }
  };
  const nowWaits = (lane: Lane) => {
    if (lane.held || waiting.has(lane) || lane.first === lane.jobs.length) return;
    lane.overtaken = 0;
    waiting.add(lane);
    most.lanesWaiting = Math.max(most.lanesWaiting, waiting.size);
  };
  const able = (worker: Worker, { needs }: Lane) => mayTake(worker.labels, { kind: 'edit', format: jobFormat, needs });
  /** As `waitingLanes` of the database says it. */
  const chosenBy = (worker: Worker): Lane | undefined => {
    const now = agenda.now();
    const hadMs = new Map([...keys].map(([key, { ms, countedAt }]) => [String(key), fadedMs(ms, now - countedAt)]));
    for (const { key, changedAt } of held) hadMs.set(String(key), hadMs.get(String(key))! + countedMs(now - changedAt));
    const order = byTurn(hadMs);
    let chosen: (Waiting & { readonly lane: Lane }) | undefined;
    for (const lane of waiting) {
      if (!able(worker, lane)) continue;
      const readyAt = Math.max(lane.changedAt, lane.jobs[lane.first]!.at);
      const priority = priorities.findLast((each) => lane.open[each] > 0)!;
      const one = { lane, key: String(lane.key), priority, waitedMs: now - readyAt };
      if (chosen === undefined || order(one, chosen) < 0) chosen = one;
    }
    return chosen?.lane;
  };
  const takeTurns = (worker: Worker, wokenFor: Lane | null) => {
    agenda.after(costs.turn, () => {
      if (wokenFor !== null && waiting.has(wokenFor) && !able(worker, wokenFor)) {
        count.handedOn++;
        agenda.after(handOnAfterMs(random()), () => wake(wokenFor));
      }
      const lane = chosenBy(worker);
      if (lane !== undefined) return takeTurn(worker, lane);
      idle.push(worker);
      serve();
    });
  };
  const takeTurn = (worker: Worker, lane: Lane) => {
    const key = keys.get(lane.key)!;
    count.turns++;
    waiting.delete(lane);
    for (const other of waiting)
      if (other.key === lane.key && able(worker, other)) count.overtaken = Math.max(count.overtaken, ++other.overtaken);
    held.add(lane);
    lane.held = true;
    const began = agenda.now();
    lane.changedAt = began;
    let [jobs, spentMs] = [0, 0];
    const end = () => {
      const now = agenda.now();
      held.delete(lane);
      lane.held = false;
      lane.changedAt = now;
      key.ms = fadedMs(key.ms, now - key.countedAt) + countedMs(spentMs);
      key.countedAt = now;
      nowWaits(lane);
      takeTurns(worker, null);
    };
    const look = () => {
      if (isOver({ jobs, ms: agenda.now() - began })) return end();
      count.looks++;
      agenda.after(costs.look, () => {
        const job = lane.jobs[lane.first];
        if (job === undefined) return end();
        lane.first++;
        lane.open[job.priority]--;
        open--;
        if (lane.first > 1_000) {
          lane.jobs = lane.jobs.slice(lane.first);
          lane.first = 0;
        }
        jobs++;
        const ms = costs.job + job.edits * costs.edit * (0.5 + random());
        const { at, branch, edits, priority } = job;
        const takenAt = agenda.now();
        const readyAt = Math.max(at, lane.endedAt);
        const taken = {
          worker: worker.number,
          at,
          branch,
          edits,
          priority,
          sequence: lane.taken++,
          readyAt,
          takenAt,
          endsAt: takenAt + ms,
        };
        onTaken?.(taken);
        busyMs += ms;
        spentMs += ms;
        agenda.after(ms, () => {
          count.jobs++;
          endedAt = lane.endedAt = agenda.now();
          onEnded?.(taken);
          look();
        });
      });
    };
    look();
  };
  const submit = () => {
    const { value, done } = submissions.next();
    if (done === true) return;
    agenda.at(value.at, () => {
      const lane = lanes[value.branch]!;
      lane.jobs.push(value);
      lane.open[value.priority]++;
      most.jobsWaiting = Math.max(most.jobsWaiting, ++open);
      nowWaits(lane);
      wake(lane);
      submit();
    });
  };
  const reconcile = () => {
    count.reconciles++;
    for (const lane of waiting) {
      count.reconciled++;
      wake(lane);
    }
    if (agenda.size() > 0) agenda.after(reconcileMs, reconcile);
  };
  submit();
  agenda.at(0, reconcile);
  if (losesAt !== undefined)
    agenda.at(losesAt, () => {
      for (const lane of wakeUps) lane.woken = false;
      wakeUps = [];
    });
  agenda.run();
  return { ...count, ...most, busyMs, endedAt };
}
