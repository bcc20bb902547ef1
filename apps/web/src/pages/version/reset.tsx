// A branch set back to a version, after saying what goes and what comes with it.
import { useNavigate } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { EditChanges } from '../../parts/edit-changes.tsx';
import { shortVersion } from '../../parts/version-id.tsx';
import type { ActionProps } from './action-props.ts';

export function Reset({ version, model, branch, head, onClose }: ActionProps) {
  const navigate = useNavigate();
  return (
    <Confirm
      title={`Set ${branch} back to ${shortVersion(version.id)}?`}
      name={branch}
      action={`Set ${branch} back`}
      withReason
      onClose={onClose}
      onConfirm={async (reason) => {
        const job = await errata.rollbacks.create({
          model,
          branch,
          to_version: version.id,
          mode: 'reset',
          reason,
          parent_version_id: head,
        });
        await navigate({ to: '/jobs/$job', params: { job: job.id } });
      }}
    >
      <div className="stack tight">
        <p>
          {branch} will serve exactly what this version served. Nothing is lost: the versions in between stay in the
          history, and the branch can be set forward to them again.
        </p>
        <EditChanges from={head} to={version.id} />
      </div>
    </Confirm>
  );
}
