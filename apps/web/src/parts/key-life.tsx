// Since when there is a key, when it was last used, and when it ends.
import type { KeyResource } from '@errata/contracts';
import { When } from './when.tsx';

interface KeyLifeProps {
  readonly of: Pick<KeyResource, 'created_at' | 'last_used_at' | 'expires_at'>;
}

export function KeyLife({ of: { created_at, last_used_at, expires_at } }: KeyLifeProps) {
  return (
    <>
      made <When at={created_at} />
      {last_used_at === null ? (
        ', never used'
      ) : (
        <>
          , last used <When at={last_used_at} />
        </>
      )}
      ; ends {expires_at === null ? 'when it is revoked' : <When at={expires_at} />}
    </>
  );
}
