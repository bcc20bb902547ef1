// The history of a branch, newest first; or all versions of the model as the tree that they are.
import { getRouteApi, Link } from '@tanstack/react-router';
import { useWhere } from '../../api/models.ts';
import { Empty } from '../../parts/empty.tsx';
import { Problem } from '../../parts/problem.tsx';
import { Moves } from './moves.tsx';
import { VersionTree } from './version-tree.tsx';

const route = getRouteApi('/history');

export function History() {
  const { view } = route.useSearch();
  const { model, branch, isPending, error } = useWhere();
  if (model === undefined)
    return isPending ? (
      <p className="soft">Loading…</p>
    ) : (
      <div className="stack">
        <h1>History</h1>
        <Problem error={error} />
        {error === null && (
          <Empty title="There is no history yet">
            <p>It begins with a model. Import one: npx errata import atlas models/atlas.</p>
          </Empty>
        )}
      </div>
    );
  return (
    <div className="stack">
      <h1>History</h1>
      <div className="tabs">
        <Link from="/history" search={(now) => ({ ...now, view: undefined })} activeOptions={{ exact: true }}>
          Moves of {branch}
        </Link>
        <Link from="/history" search={(now) => ({ ...now, view: 'versions' as const })} activeOptions={{ exact: true }}>
          All versions
        </Link>
      </div>
      {view === undefined ? <Moves model={model} branch={branch} /> : <VersionTree model={model} />}
    </div>
  );
}
