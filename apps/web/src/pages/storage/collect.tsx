// A check of everything, a dry run that says what could go, and the collection itself, by the name of the place.
import { type CollectionReport, defaultGraceHours, type StorageResource } from '@errata/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { errata } from '../../api/client.ts';
import { useJob } from '../../api/jobs.ts';
import { aboutJob } from '../../parts/about-job.ts';
import { amount } from '../../parts/bytes.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { Field } from '../../parts/field.tsx';
import { JobProgress } from '../../parts/job-progress.tsx';
import { isMoving, JobStateBadge } from '../../parts/job-state.tsx';
import { Problem } from '../../parts/problem.tsx';
import { UpkeepReport } from '../../parts/upkeep-report.tsx';
import { When } from '../../parts/when.tsx';

const route = getRouteApi('/storage');
const longestGrace = 8760;

export function Collect({ storage: { blobs, counted } }: { readonly storage: StorageResource }) {
  const { job } = route.useSearch();
  const navigate = route.useNavigate();
  const [hours, setHours] = useState(String(defaultGraceHours));
  const [asked, setAsked] = useState(false);
  const grace = Number(hours);
  const fits = hours.trim() !== '' && grace >= 0 && grace <= longestGrace;
  const show = ({ id }: { readonly id: string }) => navigate({ search: (now) => ({ ...now, job: id }) });
  const begin = useMutation({
    mutationFn: (what: 'check' | 'dry run') =>
      what === 'check' ? errata.checks.create() : errata.collections.create({ dry_run: true, grace_hours: grace }),
    onSuccess: show,
  });
  return (
    <section className="stack tight" aria-label="Checks and collections">
      <h2>Checks and collections</h2>
      <div className="card stack">
        <p>
          A check reads everything that is stored and compares it with its name, and every history with its rules. A
          collection marks what nothing names any more, and deletes what was marked longer ago than the grace period.
        </p>
        <div className="row">
          <Field
            label="Grace period, hours"
            fault={fits ? undefined : `A number of hours, 0 to ${longestGrace}`}
            hint="A job may yet name what it has stored"
          >
            <input
              type="number"
              min={0}
              max={longestGrace}
              value={hours}
              onChange={({ target }) => setHours(target.value)}
            />
          </Field>
        </div>
        <Problem error={begin.error} />
        <div className="row">
          <button type="button" className="button" disabled={begin.isPending} onClick={() => begin.mutate('check')}>
            Check everything
          </button>
          <button
            type="button"
            className="button"
            disabled={begin.isPending || !fits}
            onClick={() => begin.mutate('dry run')}
          >
            What could be collected?
          </button>
          <button type="button" className="button danger" disabled={!fits} onClick={() => setAsked(true)}>
            Collect
          </button>
        </div>
        {job !== undefined && <Done key={job} id={job} />}
      </div>
      {asked && (
        <Confirm
          title={`Collect from ${blobs.name}?`}
          name={blobs.name}
          action="Collect"
          onClose={() => setAsked(false)}
          onConfirm={async () => show(await errata.collections.create({ dry_run: false, grace_hours: grace }))}
        >
          <div className="stack tight">
            <p>
              What nothing names is marked; what has stayed so for {grace} hours is deleted, and only a backup brings it
              back. Nothing that a model, a branch’s history, an alias, a tag, an artefact or a candidate names is
              touched.
            </p>
            {counted !== null && <Foreseen at={counted.at} report={counted.report} />}
          </div>
        </Confirm>
      )}
    </section>
  );
}

/** What the latest count says that it will come to. */
function Foreseen({
  at,
  report: { dry_run, marked, waiting, deleted },
}: {
  readonly at: string;
  readonly report: CollectionReport;
}) {
  if (!dry_run) return <p>A dry run says beforehand how much that is.</p>;
  return (
    <p>
      By the dry run <When at={at} />, with its grace period, this goes: {amount(deleted)}; this still waits:{' '}
      {amount(waiting)}; and this is marked for a later one: {amount(marked)}.
    </p>
  );
}

/** The check or collection that was begun, as it goes and as it ended. */
function Done({ id }: { readonly id: string }) {
  const queries = useQueryClient();
  const { job, events, error } = useJob(id);
  const ended = job !== undefined && !isMoving(job.state);
  useEffect(() => {
    if (ended) void queries.invalidateQueries({ queryKey: ['storage'] });
  }, [ended, queries]);
  return (
    <div className="stack tight" aria-live="polite">
      {job !== undefined && (
        <p className="row">
          <strong>{aboutJob(job)}</strong> <JobStateBadge state={job.state} />
          <span className="small soft">
            <When at={job.created_at} />
          </span>
        </p>
      )}
      <Problem error={error} />
      {job !== undefined && !ended && <JobProgress events={events} />}
      {job?.error != null && (
        <div className="note bad" role="alert">
          <p>{job.error.message}</p>
        </div>
      )}
      {job !== undefined && <UpkeepReport job={job} />}
    </div>
  );
}
