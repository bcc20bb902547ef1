// Candidates that wait for a decision, and what gates and people have turned down.
import type { JobState } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { Empty } from '../../parts/empty.tsx';
import { JobList } from '../../parts/job-list.tsx';
import { JudgeTabs } from '../../parts/judge-tabs.tsx';
import { Problem } from '../../parts/problem.tsx';

const shown = 50;
const everyMs = 5000;

const useCandidates = (state: JobState) =>
  useQuery({
    queryKey: ['jobs', 'candidates', state],
    queryFn: async () => (await errata.jobs.list({ state, limit: shown }).page()).data,
    refetchInterval: everyMs,
  });

export function Judge() {
  const { branch } = useWhere();
  const waiting = useCandidates('awaiting_approval');
  const [gated, rejected] = [useCandidates('gated_out'), useCandidates('rejected')];
  const turnedDown = [...(gated.data ?? []), ...(rejected.data ?? [])]
    // Of other kinds nobody judged a candidate.
    .filter(({ kind }) => kind === 'edit' || kind === 'rollback')
    .sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
  return (
    <div className="stack">
      <h1>Judge</h1>
      <JudgeTabs branch={branch} />
      <Problem error={waiting.error ?? gated.error ?? rejected.error} />
      {waiting.data?.length === 0 && (
        <Empty title="Nothing waits for a decision">
          <p>
            A candidate comes here once it has passed the gate of a branch that asks for an approval, which is{' '}
            <Link to="/gate">a setting of its gate</Link>.
          </p>
        </Empty>
      )}
      {(waiting.data?.length ?? 0) > 0 && (
        <section className="stack tight">
          <h2>Waiting for a decision</h2>
          <JobList jobs={waiting.data ?? []} />
        </section>
      )}
      {turnedDown.length > 0 && (
        <section className="stack tight">
          <h2>Turned down</h2>
          <JobList jobs={turnedDown} />
        </section>
      )}
    </div>
  );
}
