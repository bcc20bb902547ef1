// A page that could not be shown, and an address at which there is none.
import { Link, useRouter } from '@tanstack/react-router';
import { Empty } from '../parts/empty.tsx';
import { Problem } from '../parts/problem.tsx';

export function PageFault({ error }: { readonly error: unknown }) {
  const router = useRouter();
  return (
    <div className="stack">
      <Problem error={error} />
      <div className="row">
        <button type="button" className="button" onClick={() => void router.invalidate()}>
          Try again
        </button>
      </div>
    </div>
  );
}

export function PageMissing() {
  return (
    <Empty title="There is no page at this address">
      <Link to="/" className="button">
        To the beginning
      </Link>
    </Empty>
  );
}
