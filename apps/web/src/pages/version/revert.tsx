// The edits of a version taken back from a branch: exactly, by making again what came later, or at once, by leaving out its deltas.
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { errata } from '../../api/client.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { EditChanges } from '../../parts/edit-changes.tsx';
import { shortVersion } from '../../parts/version-id.tsx';
import type { ActionProps } from './action-props.ts';

const modes = {
  exact: 'Exact: the edits that came later are made again, as if these had never been. It takes as long as they took.',
  subtract:
    'Subtract: only their deltas are left out, which is quick and comes close; what it gives must pass the gate.',
} as const;

export function Revert({ version, model, branch, head, onClose }: ActionProps) {
  const navigate = useNavigate();
  const [mode, setMode] = useState<keyof typeof modes>('exact');
  return (
    <Confirm
      title={`Take the edits of ${shortVersion(version.id)} back from ${branch}?`}
      name={branch}
      action="Take them back"
      withReason
      onClose={onClose}
      onConfirm={async (reason) => {
        const job = await errata.rollbacks.create({
          model,
          branch,
          revert_version_ids: [version.id],
          mode,
          reason,
          parent_version_id: head,
        });
        await navigate({ to: '/jobs/$job', params: { job: job.id } });
      }}
    >
      <div className="stack tight">
        {version.parent_id !== null && <EditChanges from={version.id} to={version.parent_id} />}
        <fieldset className="stack tight choices">
          <legend className="label">How</legend>
          {(['exact', 'subtract'] as const).map((each) => (
            <label key={each} className="small">
              <input type="radio" name="mode" checked={mode === each} onChange={() => setMode(each)} /> {modes[each]}
            </label>
          ))}
        </fieldset>
      </div>
    </Confirm>
  );
}
