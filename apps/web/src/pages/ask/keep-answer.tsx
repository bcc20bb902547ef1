// An answer that is to stay: a canary in the gate of the branch, which every later candidate must keep.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { errata } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Problem } from '../../parts/problem.tsx';

interface KeepAnswerProps {
  readonly model: string;
  readonly branch: string;
  readonly prompt: string;
  readonly answer: string;
  readonly onClose: () => void;
}

export function KeepAnswer({ model, branch, prompt, answer, onClose }: KeepAnswerProps) {
  const { may } = useSession();
  const queries = useQueryClient();
  const [kept, setKept] = useState(answer);
  const [reason, setReason] = useState('');
  const keep = useMutation({
    mutationFn: async () => {
      const policy = await errata.branches.policy(model, branch);
      const { not_understood, ...gate } = policy.gate;
      if (not_understood !== undefined && not_understood.length > 0)
        throw new Error(
          `the gate of ${branch} has parts that this build does not understand: change it by errata gate set`,
        );
      const others = (gate.canaries ?? []).filter((canary) => canary.prompt !== prompt);
      const { approval, approval_hours, auto_rollback } = policy;
      return errata.branches.setPolicy(model, branch, {
        gate: { ...gate, canaries: [...others, { prompt, answer: kept.trim() }] },
        ...{ approval, approval_hours, auto_rollback, protected: policy.protected, reason: reason.trim() },
        if_revision: policy.revision,
      });
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['policy', model, branch] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    keep.mutate();
  };
  return (
    <Dialog title="Keep this answer" onClose={onClose}>
      {keep.isSuccess ? (
        <div className="stack">
          <p className="note good">
            From now on the gate of {branch} refuses what changes this answer: it is a canary there.
          </p>
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
        </div>
      ) : (
        <form className="stack" onSubmit={submit}>
          <p>
            The answer becomes a canary of <strong>{branch}</strong>: a later candidate that answers otherwise fails the
            gate.
          </p>
          <p>
            <q>{prompt}</q>
          </p>
          <Field label="Answer" hint="As it must begin">
            <input value={kept} required onChange={({ target }) => setKept(target.value)} />
          </Field>
          <Field label="Reason" hint="Kept with the change of the policy">
            <input value={reason} maxLength={1000} required onChange={({ target }) => setReason(target.value)} />
          </Field>
          {!may('admin') && <p className="note warn">To change a gate takes a key with the scope admin.</p>}
          <Problem error={keep.error} />
          <div className="row">
            <button
              type="submit"
              className="button primary"
              disabled={keep.isPending || kept.trim() === '' || reason.trim() === '' || !may('admin')}
            >
              Keep it
            </button>
            <button type="button" className="button" onClick={onClose}>
              Leave it
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
