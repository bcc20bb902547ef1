// Doing something again and again, with pauses, until it is stopped.

export interface Repeated {
  /** Begins nothing more, and waits for what is under way. */
  stop(): Promise<void>;
}

/** Calls `work` at once, and after each call when the ms have passed that it answered with. It must not throw. */
export function repeat(work: (stopped: () => boolean) => Promise<number>): Repeated {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const once = async () => {
    const pauseMs = await work(() => stopped);
    if (!stopped) timer = setTimeout(run, pauseMs);
  };
  let working: Promise<void> = Promise.resolve();
  const run = () => {
    working = once();
  };
  run();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await working;
    },
  };
}
