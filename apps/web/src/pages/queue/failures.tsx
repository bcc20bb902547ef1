// Work that ended badly, by its cause.
import type { Failures as FailuresResource } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { JobStateBadge } from '../../parts/job-state.tsx';
import { Problem } from '../../parts/problem.tsx';
import { ScrollX } from '../../parts/scroll-x.tsx';
import { When } from '../../parts/when.tsx';
import { spans } from './spans.ts';

const route = getRouteApi('/queue');
const dayMs = 86_400_000;
const everyMs = 10_000;

export function Failures() {
  const { days = '7' } = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error } = useQuery({
    queryKey: ['failures', days],
    queryFn: () => errata.queue.failures({ since: new Date(Date.now() - Number(days) * dayMs).toISOString() }),
    refetchInterval: everyMs,
  });
  return (
    <section className="stack tight" aria-label="Failures">
      <div className="row spread">
        <h2>Failures, by cause</h2>
        <label className="check small">
          Within
          <select
            className="input"
            value={days}
            onChange={({ target }) =>
              void navigate({ search: (now) => ({ ...now, days: spans.find((span) => span === target.value) }) })
            }
          >
            {spans.map((span) => (
              <option key={span} value={span}>
                {span === '1' ? 'a day' : `${span} days`}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Problem error={error} />
      {data?.causes.length === 0 && <p className="soft">Nothing has ended badly.</p>}
      {data !== undefined && data.causes.length > 0 && (
        <ScrollX label="Causes">
          <table>
            <thead>
              <tr>
                <th scope="col" className="number">
                  Jobs
                </th>
                <th scope="col">Cause</th>
                <th scope="col">Ended</th>
                <th scope="col">Last</th>
              </tr>
            </thead>
            <tbody>
              {data.causes.map((cause) => (
                <Cause key={`${cause.state} ${cause.kind} ${cause.cause}`} of={cause} />
              ))}
            </tbody>
          </table>
        </ScrollX>
      )}
    </section>
  );
}

function Cause({ of }: { readonly of: FailuresResource['causes'][number] }) {
  const { state, kind, cause, jobs, last_at, last_job_id, message } = of;
  return (
    <tr>
      <td className="number">{jobs}</td>
      <td className="failure-cause">
        <strong>{state === 'gated_out' ? `rule on ${cause.replaceAll('_', ' ')}` : cause.replaceAll('_', ' ')}</strong>
        {message !== null && <p className="small soft">{message}</p>}
      </td>
      <td>
        <JobStateBadge state={state} /> <span className="small soft">{kind.replaceAll('_', ' ')}</span>
      </td>
      <td>
        <Link to="/jobs/$job" params={{ job: last_job_id }} className="unbroken">
          <When at={last_at} />
        </Link>
      </td>
    </tr>
  );
}
