// One job, followed as it goes: its events arrive by server-sent events, and are taken up again when the connection breaks or the machine has slept.
import { isTerminal, type JobEvent } from '@errata/contracts';
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { errata } from './client.ts';

const jobQuery = (id: string) =>
  queryOptions({ queryKey: ['job', id], queryFn: ({ signal }) => errata.jobs.get(id, { signal }) });

/** A job with its events so far, of progress only the last of each phase. */
export function useJob(id: string) {
  const queries = useQueryClient();
  const { data: job, error, isPending } = useQuery(jobQuery(id));
  const [events, setEvents] = useState<readonly JobEvent[]>([]);
  const [broken, setBroken] = useState<unknown>(null);
  const ended = job !== undefined && isTerminal(job.state);
  // A job that is sent back to the queue has events again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `ended` starts it anew
  useEffect(() => {
    const leaving = new AbortController();
    setEvents([]);
    setBroken(null);
    const follow = async () => {
      for await (const event of errata.jobs.events(id, { signal: leaving.signal })) {
        setEvents((seen) => withEvent(seen, event));
        if (event.type !== 'progress') void queries.invalidateQueries({ queryKey: ['job', id] });
      }
      // What was being asked for the first time when the last event came is not asked again by that: it may tell of the time before.
      await queries.cancelQueries({ queryKey: ['job', id] });
      await queries.invalidateQueries({ queryKey: ['job', id] });
    };
    follow().catch((thrown: unknown) => {
      if (!leaving.signal.aborted) setBroken(thrown);
    });
    return () => leaving.abort();
  }, [id, ended, queries]);
  return { job, events, error: error ?? broken, isPending };
}

function withEvent(seen: readonly JobEvent[], event: JobEvent): readonly JobEvent[] {
  if (seen.some(({ id }) => id === event.id)) return seen;
  const isSamePhase = ({ type, data }: JobEvent) => type === 'progress' && data.phase === event.data.phase;
  const last = seen.at(-1);
  return event.type === 'progress' && last !== undefined && isSamePhase(last)
    ? [...seen.slice(0, -1), event]
    : [...seen, event];
}
