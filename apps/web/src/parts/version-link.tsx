// A version that one can go to, by the beginning of its id.
import { Link } from '@tanstack/react-router';
import { VersionId } from './version-id.tsx';

export function VersionLink({ id }: { readonly id: string }) {
  return (
    <Link to="/versions/$version" params={{ version: id }}>
      <VersionId id={id} />
    </Link>
  );
}
