// How things stand: what waits for somebody, what is going on, and where to go on.
import type { JobState } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { whileMoving } from '../../api/queries.ts';
import { Empty } from '../../parts/empty.tsx';
import { JobList } from '../../parts/job-list.tsx';
import { isMoving } from '../../parts/job-state.tsx';
import { Problem } from '../../parts/problem.tsx';

const recent = 10;
const whenStill = 10_000;

function useJobs(state?: JobState) {
  return useQuery({
    queryKey: ['jobs', 'recent', state],
    queryFn: async () => (await errata.jobs.list({ state, limit: recent }).page()).data,
    refetchInterval: ({ state: { data } }) => (data?.some((job) => isMoving(job.state)) ? whileMoving : whenStill),
  });
}

export function Home() {
  const { model, isPending, error } = useWhere();
  const waiting = useJobs('awaiting_approval');
  const latest = useJobs();
  if (isPending) return <p className="soft">Loading…</p>;
  return (
    <div className="stack">
      <h1>How things stand</h1>
      <Problem error={error ?? waiting.error ?? latest.error} />
      {model === undefined && error === null && <NoModel />}
      {(waiting.data?.length ?? 0) > 0 && (
        <section className="stack tight">
          <h2>Waiting for a decision</h2>
          <JobList jobs={waiting.data ?? []} />
        </section>
      )}
      {(latest.data?.length ?? 0) > 0 && (
        <section className="stack tight">
          <div className="row spread">
            <h2>Latest jobs</h2>
            <Link to="/jobs">All jobs</Link>
          </div>
          <JobList jobs={latest.data ?? []} />
        </section>
      )}
    </div>
  );
}

function NoModel() {
  return (
    <Empty title="No model has been imported">
      <p>
        Everything here is about a model. Import one from the command line; the one that comes with Errata takes a few
        seconds:
      </p>
      <pre>npx errata import atlas models/atlas</pre>
    </Empty>
  );
}
