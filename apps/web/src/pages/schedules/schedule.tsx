// One schedule: when it runs, what waits for it, its latest runs, and what can be done with it.
import { needsOfJob, type ScheduleResource, type ScheduleRun, unmetNeed } from '@errata/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { errata } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { JobStateBadge } from '../../parts/job-state.tsx';
import { Problem } from '../../parts/problem.tsx';
import { When } from '../../parts/when.tsx';

const runsShown = 10;

export function Schedule({ schedule }: { readonly schedule: ScheduleResource }) {
  const { id, name, branch, paused, next_due_at, pending, held, last_run } = schedule;
  return (
    <li id={id} className="card stack tight">
      <div className="row spread">
        <h2>{name}</h2>
        {paused ? <span className="badge warn">paused</span> : <span className="badge good">runs</span>}
      </div>
      <dl className="facts">
        <dt>Of</dt>
        <dd>the inbox of {branch}</dd>
        <dt>Runs</dt>
        <dd>{whenOf(schedule)}</dd>
        <dt>Next</dt>
        <dd>
          {next_due_at === null ? paused ? 'not while it is paused' : 'when enough wait' : <When at={next_due_at} />}
        </dd>
        <dt>Waiting</dt>
        <dd>
          {pending} {pending === 1 ? 'edit' : 'edits'}
          {held > 0 && `, and ${held} held because they contradict one another`}
        </dd>
        <dt>Last run</dt>
        <dd>{last_run === null ? 'none yet' : <Outcome of={last_run} />}</dd>
      </dl>
      <Actions schedule={schedule} />
      <Runs id={id} latest={last_run?.id} />
    </li>
  );
}

/** When it runs, in words where cron says something usual. */
function whenOf({ cron, time_zone, when_pending }: ScheduleResource): string {
  const usual = /^0? ?(\d+) (\d+) \* \* \*$/.exec(cron ?? '');
  const byClock =
    cron === null
      ? []
      : usual === null
        ? [`by cron ${cron}, ${time_zone}`]
        : [`every day at ${usual[2]!.padStart(2, '0')}:${usual[1]!.padStart(2, '0')}, ${time_zone}`];
  const byNumber = when_pending === null ? [] : [`as soon as ${when_pending} wait`];
  return [...byClock, ...byNumber].join(', or ');
}

function Outcome({ of: { outcome, reason, job_id, job_state, counts, due_at, error } }: { readonly of: ScheduleRun }) {
  return (
    <span className="row">
      {outcome === 'submitted' && job_state !== null && <JobStateBadge state={job_state} />}
      {outcome === 'submitted' && job_id !== null && (
        <Link to="/jobs/$job" params={{ job: job_id }}>
          {counts.drawn} {counts.drawn === 1 ? 'edit' : 'edits'}
        </Link>
      )}
      {outcome === 'empty' && 'nothing was waiting'}
      {outcome === 'skipped' && <span className="badge">skipped: {reason}</span>}
      {outcome === 'failed' && (
        <>
          <span className="badge bad">failed</span> {error?.message}
        </>
      )}
      <span className="small soft">
        <When at={due_at} />
      </span>
    </span>
  );
}

function Runs({ id, latest }: { readonly id: string; readonly latest: string | undefined }) {
  const [open, setOpen] = useState(false);
  const { data: runs, error } = useQuery({
    queryKey: ['schedule runs', id, latest],
    queryFn: async () => (await errata.schedules.runs(id, { limit: runsShown }).page()).data,
    enabled: open,
  });
  if (latest === undefined) return null;
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Latest runs</summary>
      <Problem error={error} />
      <ol className="plain stack tight">
        {runs?.map((run) => (
          <li key={run.id}>
            <Outcome of={run} />
          </li>
        ))}
      </ol>
    </details>
  );
}

function Actions({ schedule: { id, name, paused, pending, gate } }: { readonly schedule: ScheduleResource }) {
  const queries = useQueryClient();
  const { key } = useSession();
  const [removing, setRemoving] = useState(false);
  const changed = () => queries.invalidateQueries({ queryKey: ['schedules'] });
  const run = useMutation({ mutationFn: () => errata.schedules.trigger(id), onSettled: changed });
  const pause = useMutation({
    mutationFn: () => (paused ? errata.schedules.resume(id) : errata.schedules.pause(id)),
    onSettled: changed,
  });
  const unmet = unmetNeed(key?.scopes ?? [], needsOfJob({ kind: 'edit', input: { gate } }));
  if (unmet !== null)
    return <p className="small soft">To change or run it takes a key with the scope {unmet.scope}.</p>;
  return (
    <div className="row">
      <button type="button" className="button" disabled={run.isPending} onClick={() => run.mutate()}>
        Run now{pending > 0 && ` (${pending} waiting)`}
      </button>
      <button type="button" className="button" disabled={pause.isPending} onClick={() => pause.mutate()}>
        {paused ? 'Resume' : 'Pause'}
      </button>
      <button type="button" className="button danger" onClick={() => setRemoving(true)}>
        Delete
      </button>
      <Problem error={run.error ?? pause.error} />
      {run.data?.outcome === 'buffered' && (
        <p className="small soft">It runs as soon as the job of the run before has ended.</p>
      )}
      {removing && (
        <Confirm
          title={`Delete ${name}?`}
          name={name}
          action="Delete the schedule"
          onClose={() => setRemoving(false)}
          onConfirm={async () => {
            await errata.schedules.delete(id);
            await changed();
          }}
        >
          <p>
            What it has submitted stays.{' '}
            {pending === 0 ? 'Nothing waits for it.' : `${pending} edits stay in the inbox.`}
          </p>
        </Confirm>
      )}
    </div>
  );
}
