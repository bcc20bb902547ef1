// A version in full.
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { EditChanges } from '../../parts/edit-changes.tsx';
import { Problem } from '../../parts/problem.tsx';
import { TakeBackEdit } from '../../parts/take-back-edit.tsx';
import { VersionId } from '../../parts/version-id.tsx';
import { VersionLink } from '../../parts/version-link.tsx';
import { VersionNames } from '../../parts/version-names.tsx';
import { When } from '../../parts/when.tsx';
import { VersionActions } from './actions.tsx';
import { VersionEvaluations } from './evaluations.tsx';
import { VersionRetention } from './retention.tsx';
import { WeightChanges } from './weight-changes.tsx';

const route = getRouteApi('/versions/$version');
const bytes = new Intl.NumberFormat(undefined, { style: 'unit', unit: 'kilobyte', maximumFractionDigits: 1 });

export function Version() {
  const { version: id } = route.useParams();
  const { data: version, error } = useQuery({ queryKey: ['version', id], queryFn: () => errata.versions.get(id) });
  const parent = version?.parent_id ?? null;
  if (version === undefined) return error === null ? <p className="soft">Loading…</p> : <Problem error={error} />;
  return (
    <div className="stack">
      <div className="row spread">
        <h1>
          Version <VersionId id={version.id} />
        </h1>
        <VersionNames id={version.id} />
      </div>
      <section className="card">
        <dl className="facts">
          <dt>Made</dt>
          <dd>
            <When at={version.created_at} />
            {version.job_id !== null && (
              <>
                {' by '}
                <Link to="/jobs/$job" params={{ job: version.job_id }}>
                  a job
                </Link>
              </>
            )}
          </dd>
          <dt>From</dt>
          <dd>{parent === null ? 'an import: this is the model as it came' : <VersionLink id={parent} />}</dd>
          <dt>Deltas</dt>
          <dd>
            {version.depth} {version.depth === 1 ? 'solve' : 'solves'}, {bytes.format(version.delta_bytes / 1000)}
          </dd>
          <dt>Id</dt>
          <dd>
            <code className="mono">{version.id}</code>
          </dd>
        </dl>
      </section>
      <VersionActions version={version} />
      {parent !== null && (
        <section className="stack tight">
          <h2>What it changed</h2>
          <EditChanges from={parent} to={version.id}>
            {(edit) => <TakeBackEdit edit={edit} />}
          </EditChanges>
        </section>
      )}
      {parent !== null && <WeightChanges from={parent} to={version.id} />}
      {version.depth > 0 && <VersionRetention version={version} />}
      <VersionEvaluations id={version.id} />
    </div>
  );
}
