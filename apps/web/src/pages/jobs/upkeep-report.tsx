// What a check of everything stored found, or what a collection would free.
import type { CheckReport, CollectionReport, JobResource } from '@errata/contracts';

const count = new Intl.NumberFormat();
const size = new Intl.NumberFormat(undefined, {
  style: 'unit',
  unit: 'megabyte',
  maximumSignificantDigits: 3,
});
const blobs = ({ blobs: many, bytes }: { readonly blobs: number; readonly bytes: number }) =>
  `${count.format(many)} blobs, ${size.format(bytes / 1e6)}`;

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
        {blobs(checked)}, {count.format(checked.versions)} versions, {count.format(checked.moves)} moves of{' '}
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
      <p className="small soft">Named by nothing: {blobs(unnamed)}.</p>
    </section>
  );
}

function Collection({ report: { dry_run, named, marked, waiting, deleted } }: { readonly report: CollectionReport }) {
  return (
    <section className="card">
      <dl className="facts">
        <dt>In use</dt>
        <dd>{blobs(named)}</dd>
        <dt>{dry_run ? 'Would be freed' : 'Freed'}</dt>
        <dd>{blobs(deleted)}</dd>
        <dt>Unnamed for the first time</dt>
        <dd>{blobs(marked)}</dd>
        <dt>Within the grace period</dt>
        <dd>{blobs(waiting)}</dd>
      </dl>
    </section>
  );
}
