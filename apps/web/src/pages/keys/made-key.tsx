// A key that was made just now.
import type { CreatedKey } from '@errata/contracts';
import { ShownOnce } from '../../parts/shown-once.tsx';
import { When } from '../../parts/when.tsx';

interface MadeKeyProps {
  readonly of: CreatedKey;
  readonly onClose: () => void;
}

export function MadeKey({ of: { name, token, expires_at }, onClose }: MadeKeyProps) {
  return (
    <ShownOnce title={`The key of ${name}`} secret={token} onClose={onClose}>
      It is shown here and never again: only its hash is kept. It ends{' '}
      {expires_at === null ? 'when it is revoked' : <When at={expires_at} />}.
    </ShownOnce>
  );
}
