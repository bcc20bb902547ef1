// The secret of a webhook, made just now.
import type { CreatedWebhook } from '@errata/contracts';
import { ShownOnce } from '../../parts/shown-once.tsx';

interface MadeSecretProps {
  readonly of: CreatedWebhook;
  readonly onClose: () => void;
}

export function MadeSecret({ of: { url, secret }, onClose }: MadeSecretProps) {
  return (
    <ShownOnce title="The secret of the webhook" secret={secret} onClose={onClose}>
      Messages to {new URL(url).host} are signed with it, so that the receiver can tell ours from others. It is shown
      here and never again.
    </ShownOnce>
  );
}
