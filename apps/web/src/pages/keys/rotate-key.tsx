// A key replaced by another of the same name and scopes, beside which it works for a while.
import type { CreatedKey, KeyResource } from '@errata/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { errata } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Problem } from '../../parts/problem.tsx';

const graces = { '0': 'at once', '1': 'in an hour', '24': 'in a day', '168': 'in a week' } as const;

interface RotateKeyProps {
  readonly of: KeyResource;
  readonly onMade: (key: CreatedKey) => void;
  readonly onClose: () => void;
}

export function RotateKey({ of: { id, name }, onMade, onClose }: RotateKeyProps) {
  const queries = useQueryClient();
  const { key } = useSession();
  const [grace, setGrace] = useState<keyof typeof graces>('24');
  const rotate = useMutation({
    mutationFn: () => errata.keys.rotate(id, { grace_hours: Number(grace) }),
    onSuccess: async (made) => {
      onMade(made);
      await queries.invalidateQueries({ queryKey: ['keys'] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rotate.mutate();
  };
  return (
    <Dialog title={`Replace ${name}?`} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p>
          A key of the same name, which may do the same for as long as this one was meant to, is made and shown once.
          Until the old one ends, both are taken.
          {key?.id === id && ' It is the one that this page signed in with: its session ends with it.'}
        </p>
        <Field label="The old one ends">
          <select value={grace} onChange={({ target }) => setGrace(target.value as typeof grace)}>
            {Object.entries(graces).map(([hours, words]) => (
              <option key={hours} value={hours}>
                {words}
              </option>
            ))}
          </select>
        </Field>
        <Problem error={rotate.error} />
        <div className="row">
          <button type="submit" className="button primary" disabled={rotate.isPending}>
            Make its successor
          </button>
          <button type="button" className="button" onClick={onClose}>
            Leave it as it is
          </button>
        </div>
      </form>
    </Dialog>
  );
}
