// The secret of a webhook replaced by another, beside which the old one signs for a while.
import type { CreatedWebhook, WebhookResource } from '@errata/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { errata } from '../../api/client.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Problem } from '../../parts/problem.tsx';

const overlaps = { '0': 'at once', '1': 'in an hour', '24': 'in a day', '168': 'in a week' } as const;

interface ReplaceSecretProps {
  readonly of: WebhookResource;
  readonly onMade: (webhook: CreatedWebhook) => void;
  readonly onClose: () => void;
}

export function ReplaceSecret({ of: { id, url }, onMade, onClose }: ReplaceSecretProps) {
  const queries = useQueryClient();
  const [overlap, setOverlap] = useState<keyof typeof overlaps>('24');
  const rotate = useMutation({
    mutationFn: () => errata.webhooks.rotate(id, { overlap_hours: Number(overlap) }),
    onSuccess: async (made) => {
      onMade(made);
      await queries.invalidateQueries({ queryKey: ['webhooks'] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rotate.mutate();
  };
  return (
    <Dialog title={`Another secret for ${new URL(url).host}?`} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p>A secret is made and shown once. Until the old one ends, messages are signed with both.</p>
        <Field label="The old one ends">
          <select value={overlap} onChange={({ target }) => setOverlap(target.value as typeof overlap)}>
            {Object.entries(overlaps).map(([hours, words]) => (
              <option key={hours} value={hours}>
                {words}
              </option>
            ))}
          </select>
        </Field>
        <Problem error={rotate.error} />
        <div className="row">
          <button type="submit" className="button primary" disabled={rotate.isPending}>
            Make another secret
          </button>
          <button type="button" className="button" onClick={onClose}>
            Leave it as it is
          </button>
        </div>
      </form>
    </Dialog>
  );
}
