// How a version did: its evaluations, newest first, each with its report.
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { JobStateBadge } from '../../parts/job-state.tsx';
import { Problem } from '../../parts/problem.tsx';
import { shortVersion } from '../../parts/version-id.tsx';
import { When } from '../../parts/when.tsx';

const shown = 10;

export function VersionEvaluations({ id }: { readonly id: string }) {
  const { model } = useWhere();
  const { data: evaluations, error } = useQuery({
    queryKey: ['evaluations', id],
    queryFn: async () => (await errata.evaluations.list({ version: id, limit: shown }).page()).data,
  });
  return (
    <section className="stack tight">
      <h2>Evaluations</h2>
      <Problem error={error} />
      {evaluations?.length === 0 && (
        <p className="soft">
          None was asked for beside what its gate looked at. From the command line:{' '}
          <code>
            npx errata evaluate {model}@{shortVersion(id)} --suite applied
          </code>
        </p>
      )}
      {evaluations !== undefined && evaluations.length > 0 && (
        <ul className="card stack tight plain">
          {evaluations.map((evaluation) => (
            <li key={evaluation.id} className="row">
              <JobStateBadge state={evaluation.state} />
              <Link to="/jobs/$job" params={{ job: evaluation.id }} className="grow">
                {evaluation.suite.name ?? `suite: ${evaluation.suite.source}`}, {evaluation.cases.measured} of{' '}
                {evaluation.cases.total} cases
              </Link>
              <span className="small soft">
                <When at={evaluation.created_at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
