// One job: how it goes, what it came to, and what can be done about it.
import { cancellableStates, type JobResource, needsOfJob, unmetNeed } from '@errata/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { errata } from '../../api/client.ts';
import { useJob } from '../../api/jobs.ts';
import { useSession } from '../../api/session.ts';
import { aboutJob } from '../../parts/about-job.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { duration } from '../../parts/duration.ts';
import { JobProgress } from '../../parts/job-progress.tsx';
import { isMoving, JobStateBadge } from '../../parts/job-state.tsx';
import { Problem } from '../../parts/problem.tsx';
import { UpkeepReport } from '../../parts/upkeep-report.tsx';
import { VersionLink } from '../../parts/version-link.tsx';
import { useNow, When } from '../../parts/when.tsx';
import { ComparisonReport } from './comparison-report.tsx';
import { Decide, TakeBack } from './decide.tsx';
import { JobEvents } from './job-events.tsx';
import { Judgement } from './judgement.tsx';

const route = getRouteApi('/jobs/$job');

export function Job() {
  const { job: id } = route.useParams();
  const { job, events, error, isPending } = useJob(id);
  if (job === undefined)
    return isPending && error === null ? <p className="soft">Loading…</p> : <Problem error={error} />;
  return (
    <div className="stack">
      <div className="row spread">
        <h1>{aboutJob(job)}</h1>
        <JobStateBadge state={job.state} />
      </div>
      <Problem error={error} />
      {isMoving(job.state) && <JobProgress events={events} />}
      {job.error !== null && (
        <div className="note bad" role="alert">
          <p>{job.error.message}</p>
        </div>
      )}
      <Decide job={job} />
      <Actions job={job} />
      <Judgement job={job} />
      <TakeBack job={job} />
      <UpkeepReport job={job} />
      <ComparisonReport job={job} />
      {(job.kind === 'blame' || job.kind === 'bisect') && (
        <p>
          <Link to="/why" search={(now) => ({ ...now, [job.kind]: job.id })}>
            What it found
          </Link>
        </p>
      )}
      {job.kind === 'evaluation' && (
        <p>
          <Link to="/compare" search={{ ids: job.id }}>
            All its figures and the answers that changed
          </Link>
        </p>
      )}
      <Facts job={job} />
      <JobEvents events={events} />
    </div>
  );
}

function Actions({ job }: { readonly job: JobResource }) {
  const queries = useQueryClient();
  const { key } = useSession();
  const [asked, setAsked] = useState(false);
  const changed = () => queries.invalidateQueries({ queryKey: ['job', job.id] });
  const retry = useMutation({ mutationFn: () => errata.jobs.retry(job.id), onSettled: changed });
  const canCancel = cancellableStates.some((state) => state === job.state);
  const canRetry = job.state === 'failed' || job.state === 'cancelled';
  const unmet = unmetNeed(key?.scopes ?? [], needsOfJob(job));
  if (!canCancel && !canRetry) return null;
  if (unmet !== null)
    return (
      <p className="small soft">
        To {canCancel ? 'cancel' : 'retry'} this job takes a key with the scope {unmet.scope}.
      </p>
    );
  return (
    <div className="row">
      {canCancel && (
        <button type="button" className="button danger" onClick={() => setAsked(true)}>
          Cancel this job
        </button>
      )}
      {canRetry && (
        <button type="button" className="button primary" disabled={retry.isPending} onClick={() => retry.mutate()}>
          Retry
        </button>
      )}
      <Problem error={retry.error} />
      {asked && (
        <Confirm
          title="Cancel this job?"
          action="Cancel the job"
          onClose={() => setAsked(false)}
          onConfirm={async () => {
            await errata.jobs.cancel(job.id);
            await changed();
          }}
        >
          <p>
            {aboutJob(job)}
            {job.branch === null ? '' : ` on ${job.branch}`}: what it has done is dropped, and its branch stays where it
            is. It can be retried later.
          </p>
        </Confirm>
      )}
    </div>
  );
}

function Facts({ job }: { readonly job: JobResource }) {
  const now = useNow(1000);
  const atWork = job.finished_at !== null || isMoving(job.state);
  const took =
    job.started_at === null
      ? null
      : Date.parse(job.finished_at ?? new Date(now).toISOString()) - Date.parse(job.started_at);
  return (
    <section className="card">
      <dl className="facts">
        <dt>Submitted</dt>
        <dd>
          <When at={job.created_at} />
        </dd>
        {job.started_at !== null && (
          <>
            <dt>Started</dt>
            <dd>
              <When at={job.started_at} />
            </dd>
          </>
        )}
        {took !== null && atWork && (
          <>
            <dt>{job.finished_at === null ? 'Running for' : 'Took'}</dt>
            <dd>{duration(took)}</dd>
          </>
        )}
        {job.attempts > 1 && (
          <>
            <dt>Attempts</dt>
            <dd>{job.attempts}</dd>
          </>
        )}
        {job.priority !== 'normal' && (
          <>
            <dt>Priority</dt>
            <dd>{job.priority}</dd>
          </>
        )}
        {job.branch !== null && (
          <>
            <dt>Branch</dt>
            <dd>{job.branch}</dd>
          </>
        )}
        {job.parent_version_id !== null && (
          <>
            <dt>Began at</dt>
            <dd>
              <VersionLink id={job.parent_version_id} />
            </dd>
          </>
        )}
        {job.version_id !== null && (
          <>
            <dt>Made</dt>
            <dd>
              <VersionLink id={job.version_id} />
            </dd>
          </>
        )}
        {job.cause_job_id !== null && (
          <>
            <dt>Because of</dt>
            <dd>
              <Link to="/jobs/$job" params={{ job: job.cause_job_id }}>
                another job
              </Link>
            </dd>
          </>
        )}
        <dt>Job</dt>
        <dd>
          <code className="mono">{job.id}</code>
        </dd>
      </dl>
    </section>
  );
}
