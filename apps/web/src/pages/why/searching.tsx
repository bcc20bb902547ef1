// A search that has found nothing yet: how it stands, or why it ended without.
import { isTerminal, type JobState } from '@errata/contracts';
import { Link } from '@tanstack/react-router';
import { JobStateBadge } from '../../parts/job-state.tsx';

interface SearchingProps {
  readonly job: { readonly id: string; readonly state: JobState; readonly error: { readonly message: string } | null };
}

export function Searching({ job: { id, state, error } }: SearchingProps) {
  return (
    <div className="stack tight">
      <p className="row">
        <JobStateBadge state={state} />
        {!isTerminal(state) && <span className="soft">Versions are asked one after another.</span>}
        <Link to="/jobs/$job" params={{ job: id }}>
          Its job
        </Link>
      </p>
      {error !== null && (
        <div className="note bad" role="alert">
          <p>{error.message}</p>
        </div>
      )}
    </div>
  );
}
