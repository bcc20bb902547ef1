// A key replaced by another of the same name and scopes, beside which it works for a while.
import type { CreatedKey, KeyResource } from '@errata/contracts';
import { errata } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { Replace } from '../../parts/replace.tsx';

interface RotateKeyProps {
  readonly of: KeyResource;
  readonly onMade: (key: CreatedKey) => void;
  readonly onClose: () => void;
}

export function RotateKey({ of: { id, name }, onMade, onClose }: RotateKeyProps) {
  const { key } = useSession();
  return (
    <Replace
      title={`Replace ${name}?`}
      action="Make its successor"
      list="keys"
      replace={(hours) => errata.keys.rotate(id, { grace_hours: hours })}
      onMade={onMade}
      onClose={onClose}
    >
      A key of the same name, which may do the same for as long as this one was meant to, is made and shown once. Until
      the old one ends, both are taken.
      {key?.id === id && ' It is the one that this page signed in with: its session ends with it.'}
    </Replace>
  );
}
