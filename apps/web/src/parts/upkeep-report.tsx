// What a check of everything stored found, or what a collection would free.
import type { CheckReport, CollectionReport, JobResource } from '@errata/contracts';
import { amount } from './bytes.ts';

const count = new Intl.NumberFormat();

export function UpkeepReport({ job: { kind, result } }: { readonly job: JobResource }) {
  if (result === null) return null;
  if (kind === 'check') return <Check report={result as CheckReport} />;
  if (kind === 'collection') return <Collection report={result as CollectionReport} />;
  return null;
}

function Check({ report: { ok, checked, unnamed, problem_count, problems } }: { readonly report: CheckReport }) {
  return (
    <section className={`note ${ok ? 'good' : 'bad'} stack tight`}>
      <p>
        {ok ? 'All is well: ' : `${count.format(problem_count)} problems in `}
        {amount(checked)}, {count.format(checked.versions)} versions, {count.format(checked.moves)} moves of{' '}
        {count.format(checked.branches)} branches.
      </p>
      {problems.length > 0 && (
        <ul>
          {problems.map(({ kind, where, what }) => (
            <li key={`${kind} ${where}`}>
              {where}: {what}
            </li>
          ))}
        </ul>
      )}
      <p className="small soft">Named by nothing: {amount(unnamed)}.</p>
    </section>
  );
}

function Collection({ report: { dry_run, named, marked, waiting, deleted } }: { readonly report: CollectionReport }) {
  return (
    <section className="card">
      <dl className="facts">
        <dt>In use</dt>
        <dd>{amount(named)}</dd>
        <dt>{dry_run ? 'Would be freed' : 'Freed'}</dt>
        <dd>{amount(deleted)}</dd>
        <dt>Unnamed for the first time</dt>
        <dd>{amount(marked)}</dd>
        <dt>Within the grace period</dt>
        <dd>{amount(waiting)}</dd>
      </dl>
    </section>
  );
}
