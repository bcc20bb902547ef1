// What people decide about a job: a candidate that waits is approved or rejected, and a batch that was applied is taken back.
import { changedNothing, type JobResource } from '@errata/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { errata } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { VersionId } from '../../parts/version-id.tsx';
import { When } from '../../parts/when.tsx';

export function Decide({ job }: { readonly job: JobResource }) {
  const { key, may } = useSession();
  const queries = useQueryClient();
  const [asked, setAsked] = useState<'approve' | 'reject'>();
  const { approval } = job;
  if (approval === null) return null;
  const decide = async (reason: string) => {
    if (asked === 'approve') await errata.jobs.approve(job.id, reason);
    else await errata.jobs.reject(job.id, reason);
    await queries.invalidateQueries({ queryKey: ['job', job.id] });
  };
  if (approval.state !== 'waiting')
    return (
      <p className="note">
        {approval.state}
        {approval.decided_at !== null && (
          <>
            {' '}
            <When at={approval.decided_at} />
          </>
        )}
        {approval.reason !== null && (
          <>
            : <q>{approval.reason}</q>
          </>
        )}
      </p>
    );
  const own = job.created_by !== null && job.created_by === key?.id;
  return (
    <section className="note warn stack tight" aria-label="Decision">
      <p>
        This candidate, <VersionId id={approval.version_id} />, was made <When at={approval.since} /> and waits for a
        decision
        {approval.expires_at !== null && (
          <>
            ; if nobody decides, it is rejected <When at={approval.expires_at} />
          </>
        )}
        . {job.branch} is at <VersionId id={approval.parent_version_id} /> until then.
      </p>
      {own && <p>This very key submitted it, so another must approve it; it may reject it.</p>}
      {!may('approve') && <p>To decide takes a key with the scope approve.</p>}
      <div className="row">
        <button
          type="button"
          className="button primary"
          disabled={own || !may('approve')}
          onClick={() => setAsked('approve')}
        >
          Approve
        </button>
        <button type="button" className="button danger" disabled={!may('approve')} onClick={() => setAsked('reject')}>
          Reject
        </button>
      </div>
      {asked !== undefined && (
        <Confirm
          title={asked === 'approve' ? 'Approve this candidate?' : 'Reject this candidate?'}
          action={asked === 'approve' ? 'Approve' : 'Reject'}
          withReason
          onConfirm={decide}
          onClose={() => setAsked(undefined)}
        >
          <p>
            {asked === 'approve' ? (
              <>
                <strong>{job.branch}</strong> moves to <VersionId id={approval.version_id} />, and whatever serves the
                branch answers by it.
              </>
            ) : (
              <>The candidate is dropped, and {job.branch} stays where it is.</>
            )}
          </p>
        </Confirm>
      )}
    </section>
  );
}

/** Takes all that an edit job has made back, and keeps what came after. */
export function TakeBack({ job }: { readonly job: JobResource }) {
  const { may } = useSession();
  const navigate = useNavigate();
  const [asked, setAsked] = useState(false);
  const { model_id: model, branch, version_id: version } = job;
  if (job.kind !== 'edit' || model === null || branch === null || version === null || changedNothing(job)) return null;
  if (job.trial || !may('versions:rollback')) return null;
  const count = Number(job.input.edits);
  return (
    <div className="row">
      <button type="button" className="button" onClick={() => setAsked(true)}>
        Take this batch back
      </button>
      {asked && (
        <Confirm
          title="Take this batch back?"
          action="Take it back"
          name={branch}
          withReason
          onClose={() => setAsked(false)}
          onConfirm={async (reason) => {
            const { id } = await errata.rollbacks.create({
              ...{ model, branch, reason, mode: 'exact', revert_version_ids: [version] },
            });
            await navigate({ to: '/jobs/$job', params: { job: id } });
          }}
        >
          <p>
            {count === 1 ? 'Its edit goes' : `All ${count} edits of it go`} from <strong>{branch}</strong>; edits that
            came later are applied again without {count === 1 ? 'it' : 'them'}. It is a job like any other, and the
            history keeps both.
          </p>
        </Confirm>
      )}
    </div>
  );
}
