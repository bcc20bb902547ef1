// A crew of workers that is kept up to strength: whoever dies is replaced.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultStack, WorkerProcess } from '../support/fault-stack.ts';

export interface Crew {
  readonly workers: ReadonlySet<WorkerProcess>;
  /** Resolves when one of them takes work. */
  oneReady(): Promise<void>;
  /** Nobody is replaced from now on. */
  dismiss(): void;
}

/** The stack's spare worker and others, `size` in all. */
export function keepCrew(stack: FaultStack, size: number): Crew {
  const workers = new Set<WorkerProcess>();
  let open = true;
  const enlist = (worker: WorkerProcess) => {
    workers.add(worker);
    void worker.exited.then(() => {
      workers.delete(worker);
      if (open) enlist(stack.startWorker());
    });
  };
  stack.spare.signal('SIGCONT');
  enlist(stack.spare);
  while (workers.size < size) enlist(stack.startWorker());
  return {
    workers,
    oneReady: async () => {
      const isReady = ({ ready, exited }: WorkerProcess) =>
        Promise.race([ready.then(() => true), exited.then(() => false)]);
      while (!(await Promise.race([...workers].map(isReady)))) await sleep(20);
    },
    dismiss: () => {
      open = false;
    },
  };
}
