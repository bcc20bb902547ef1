// Evaluations to choose from, and those that are chosen: their curves, and their figures side by side.
import type { EvaluationResource } from '@errata/contracts';
import { useQueries } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { usePages } from '../../api/pages.ts';
import { Empty } from '../../parts/empty.tsx';
import { JobStateBadge } from '../../parts/job-state.tsx';
import { More } from '../../parts/more.tsx';
import { Problem } from '../../parts/problem.tsx';
import { VersionLink } from '../../parts/version-link.tsx';
import { When } from '../../parts/when.tsx';
import { nameOf } from './name.ts';
import './compare.css';

const route = getRouteApi('/compare');
/** What draws is more code than the rest of the page: it comes behind it. */
const Chosen = lazy(() => import('./chosen.tsx').then((module) => ({ default: module.Chosen })));
const Tracings = lazy(() => import('./tracings.tsx').then((module) => ({ default: module.Tracings })));
/** The colours of charts end there. */
const mostChosen = 8;

export function Compare() {
  const { ids: given } = route.useSearch();
  const navigate = route.useNavigate();
  const { model } = useWhere();
  const ids = given?.split(',').slice(0, mostChosen) ?? [];
  const { found, items } = usePages(['evaluations', model], () => errata.evaluations.list({ model, limit: 50 }), {
    enabled: model !== undefined,
  });
  // An address may name what is on no page that has come yet.
  const chosen = useQueries({
    queries: ids.map((id) => ({ queryKey: ['evaluation', id], queryFn: () => errata.evaluations.get(id) })),
  });
  const choose = (id: string) => {
    const now = ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id];
    void navigate({ search: (search) => ({ ...search, ids: now.length === 0 ? undefined : now.join(',') }) });
  };
  return (
    <div className="stack">
      <h1>Compare</h1>
      <Problem error={found.error ?? chosen.find(({ error }) => error !== null)?.error ?? null} />
      {found.isSuccess && items.length === 0 && (
        <Empty title="No evaluation yet">
          <p>
            One puts a version, or an editor under a protocol, to a suite of cases: npx errata evaluate {model} --suite
            applied, or with --editor r-rome --protocol sequential.
          </p>
        </Empty>
      )}
      {items.length > 0 && (
        <ul className="evaluations card" aria-label="Evaluations">
          {items.map((evaluation) => (
            <Choice
              key={evaluation.id}
              evaluation={evaluation}
              among={items}
              place={ids.indexOf(evaluation.id)}
              full={ids.length >= mostChosen}
              onChoose={() => choose(evaluation.id)}
            />
          ))}
        </ul>
      )}
      <More of={found}>Earlier evaluations</More>
      <Suspense fallback={null}>
        <Chosen evaluations={chosen.flatMap(({ data }) => data ?? [])} />
        {model !== undefined && <Tracings model={model} />}
      </Suspense>
    </div>
  );
}

interface ChoiceProps {
  readonly evaluation: EvaluationResource;
  readonly among: readonly EvaluationResource[];
  /** Among those that are chosen, from 0; -1 where it is not. */
  readonly place: number;
  readonly full: boolean;
  readonly onChoose: () => void;
}

function Choice({ evaluation, among, place, full, onChoose }: ChoiceProps) {
  const { state, version_id, cases, created_at, outcome } = evaluation;
  return (
    <li>
      <label className="check">
        <input
          type="checkbox"
          checked={place >= 0}
          disabled={place < 0 && (full || outcome === null)}
          onChange={onChoose}
        />
        <span>
          {place >= 0 && <strong>{place + 1} </strong>}
          {nameOf(evaluation, among)}
        </span>
      </label>
      <span className="small soft">
        {cases.measured} of {cases.total} cases, on <VersionLink id={version_id} />
      </span>
      <JobStateBadge state={state} />
      <span className="small soft when">
        <When at={created_at} />
      </span>
    </li>
  );
}
