// Progress on its way to the event log: often enough for a live line, seldom enough for a database.

/** How far a phase of a job has come. */
export interface Progress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

export interface ProgressLog {
  /** Notes progress; it is written when it begins or ends a phase, or when the last note is old enough. Never throws. */
  report(progress: Progress): void;
  /** Waits for what is being written. */
  settle(): Promise<void>;
}

/** Writes go one after another, so that events keep their order. A write that fails is forgotten: progress is no state. */
export function progressLog(
  write: (progress: Progress) => Promise<void>,
  { intervalMs = 500, now = () => performance.now() }: { intervalMs?: number; now?: () => number } = {},
): ProgressLog {
  let last: Progress | undefined;
  let writtenAt = Number.NEGATIVE_INFINITY;
  let writing: Promise<void> = Promise.resolve();
  return {
    report: (progress) => {
      const newPhase = progress.phase !== last?.phase;
      const ends = progress.done >= progress.total;
      const repeats = !newPhase && progress.done === last?.done && progress.total === last.total;
      if (repeats || (!newPhase && !ends && now() - writtenAt < intervalMs)) return;
      last = progress;
      writtenAt = now();
      writing = writing.then(() => write(progress)).catch(() => {});
    },
    settle: () => writing,
  };
}
