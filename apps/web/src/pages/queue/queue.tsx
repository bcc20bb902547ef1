// The queue: jobs by state, the workers with what each is at, and failures by cause.
import type { QueueResource, WorkerResource } from '@errata/contracts';
import { jobStates } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { whileMoving } from '../../api/queries.ts';
import { useSession } from '../../api/session.ts';
import { duration } from '../../parts/duration.ts';
import { Empty } from '../../parts/empty.tsx';
import { JobStateBadge } from '../../parts/job-state.tsx';
import { Problem } from '../../parts/problem.tsx';
import { WatchTabs } from '../../parts/watch-tabs.tsx';
import { useNow, When } from '../../parts/when.tsx';
import { Failures } from './failures.tsx';
import './queue.css';

export function Queue() {
  const { data: queue, error } = useQuery({
    queryKey: ['queue'],
    queryFn: () => errata.queue.get(),
    refetchInterval: whileMoving,
  });
  return (
    <div className="stack">
      <h1>Queue and workers</h1>
      <WatchTabs />
      <Problem error={error} />
      {queue === undefined && error === null && <p className="soft">Loading…</p>}
      {queue !== undefined && (
        <>
          <Depth queue={queue} />
          <Workers workers={queue.workers} />
        </>
      )}
      <Failures />
    </div>
  );
}

const backends = { redis: 'Redis', postgres: 'PostgreSQL' } as const;

function Depth({ queue: { jobs, waiting_since, wake_ups, backend } }: { readonly queue: QueueResource }) {
  const { may } = useSession();
  const open = jobStates.filter((state) => (jobs[state] ?? 0) > 0);
  return (
    <section className="stack tight" aria-label="What waits">
      {open.length === 0 ? (
        <p className="card">Nothing waits, and nothing runs.</p>
      ) : (
        <ul className="depth">
          {open.map((state) => (
            <li key={state} className="card">
              <strong className="count">{jobs[state]}</strong>
              <Link to="/jobs" search={{ state }}>
                <JobStateBadge state={state} />
              </Link>
            </li>
          ))}
        </ul>
      )}
      <p className="small soft">
        {waiting_since !== null && (
          <>
            The oldest that is queued was submitted <When at={waiting_since} />.{' '}
          </>
        )}
        {wake_ups === null
          ? `The queue on ${backends[backend]} does not answer; jobs are kept in the database until it does.`
          : `Lanes on ${backends[backend]}: ${wake_ups.waiting} to be looked at, ${wake_ups.active} looked at now.`}{' '}
        {may('admin') && wake_ups !== null && <a href="/bull-board">The raw queue, in Bull Board</a>}
      </p>
    </section>
  );
}

function Workers({ workers }: { readonly workers: readonly WorkerResource[] }) {
  const now = useNow(1000);
  return (
    <section className="stack tight" aria-label="Workers">
      <h2>Workers</h2>
      {workers.length === 0 && (
        <Empty title="No worker has been heard of lately">
          <p>Jobs are taken in and wait until one is back. On the worker’s machine: npx errata up, or its container.</p>
        </Empty>
      )}
      <ul className="workers">
        {workers.map(({ name, work }) => (
          <li key={name} className="card stack tight">
            <div className="row spread">
              <h3>{name}</h3>
              <span className={`badge ${work.length > 0 ? 'live' : ''}`}>{work.length > 0 ? 'at work' : 'idle'}</span>
            </div>
            {work.map(({ job_id, kind, state, branch, attempts, started_at }) => (
              <div key={job_id} className="row">
                <JobStateBadge state={state} />
                <Link to="/jobs/$job" params={{ job: job_id }} className="grow">
                  {kind.replaceAll('_', ' ')}
                  {branch !== null && ` on ${branch}`}
                </Link>
                <span className="small soft">
                  {started_at !== null && `for ${duration(Math.max(0, now - Date.parse(started_at)))}`}
                  {attempts > 1 && `, attempt ${attempts}`}
                </span>
              </div>
            ))}
          </li>
        ))}
      </ul>
    </section>
  );
}
