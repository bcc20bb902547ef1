// The edits of a version made again on the head of another branch.

import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { EditChanges } from '../../parts/edit-changes.tsx';
import { Field } from '../../parts/field.tsx';
import { Problem } from '../../parts/problem.tsx';
import type { ActionProps } from './action-props.ts';

export function CherryPick({ version, model, branch, onClose }: ActionProps) {
  const navigate = useNavigate();
  const { branches } = useWhere();
  const [onto, setOnto] = useState(branches.find((name) => name !== branch) ?? branch);
  const pick = useMutation({
    mutationFn: () => errata.cherryPicks.create({ model, branch: onto, job_id: version.job_id! }),
    onSuccess: (job) => void navigate({ to: '/jobs/$job', params: { job: job.id } }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    pick.mutate();
  };
  return (
    <Dialog title="Make these edits on another branch" onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p>
          A new job makes the same request, with its editor, settings and seed, on the head of the branch. Its result is
          measured and gated there as any other.
        </p>
        {version.parent_id !== null && <EditChanges from={version.parent_id} to={version.id} />}
        <Field label="Branch">
          <select value={onto} onChange={({ target }) => setOnto(target.value)}>
            {branches.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </Field>
        <Problem error={pick.error} />
        <div className="row">
          <button type="submit" className="button primary" disabled={pick.isPending}>
            Make them on {onto}
          </button>
          <button type="button" className="button" onClick={onClose}>
            Leave it
          </button>
        </div>
      </form>
    </Dialog>
  );
}
