// The secret of a webhook replaced by another, beside which the old one signs for a while.
import type { CreatedWebhook, WebhookResource } from '@errata/contracts';
import { errata } from '../../api/client.ts';
import { Replace } from '../../parts/replace.tsx';

interface ReplaceSecretProps {
  readonly of: WebhookResource;
  readonly onMade: (webhook: CreatedWebhook) => void;
  readonly onClose: () => void;
}

export function ReplaceSecret({ of: { id, url }, onMade, onClose }: ReplaceSecretProps) {
  return (
    <Replace
      title={`Another secret for ${new URL(url).host}?`}
      action="Make another secret"
      list="webhooks"
      replace={(hours) => errata.webhooks.rotate(id, { overlap_hours: hours })}
      onMade={onMade}
      onClose={onClose}
    >
      A secret is made and shown once. Until the old one ends, messages are signed with both.
    </Replace>
  );
}
