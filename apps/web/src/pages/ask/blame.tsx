// Which edit made an answer: a search through the history of the version, followed to its end.
import type { BlameResource } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { Problem } from '../../parts/problem.tsx';
import { TakeBackEdit } from '../../parts/take-back-edit.tsx';

interface BlameProps {
  readonly model: string;
  readonly version: string;
  readonly prompt: string;
}

export function Blame({ model, version, prompt }: BlameProps) {
  const { data: found, error } = useQuery({
    queryKey: ['blame', version, prompt],
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    queryFn: async ({ signal }) => {
      const { id } = await errata.blame.create({ model, version, prompt }, { signal });
      await errata.jobs.wait(id, { signal });
      return errata.blame.get(id, { signal });
    },
  });
  return (
    <div className="note" aria-live="polite">
      {error === null && found === undefined && <p>Looking through the edits behind this version…</p>}
      <Problem error={error} />
      {found !== undefined && <Found found={found} />}
    </div>
  );
}

function Found({ found: { id, result, error } }: { readonly found: BlameResource }) {
  if (result === null) return <p>{error?.message ?? 'The search has not ended.'}</p>;
  const { origin, edit, candidates, before, contributions, asked } = result;
  const job = (
    <Link to="/jobs/$job" params={{ job: id }}>
      {asked.length} of {contributions + 1} states asked
    </Link>
  );
  if (origin === 'base') return <p>The imported model answers so itself: no edit made this answer ({job}).</p>;
  return (
    <div className="stack tight">
      {edit === null ? (
        <p>
          One of {candidates.length} edits made it, which were solved together and cannot be told apart ({job}):
        </p>
      ) : (
        <p>
          <strong>
            {edit.prompt} → {edit.target_new}
          </strong>{' '}
          made it, the edit <code>{edit.custom_id}</code> of{' '}
          <Link to="/jobs/$job" params={{ job: edit.job_id }}>
            this job
          </Link>{' '}
          ({job}).
        </p>
      )}
      {edit !== null && (
        <div className="row">
          <TakeBackEdit edit={edit} />
        </div>
      )}
      {edit === null && (
        <ul>
          {candidates.map(({ edit: candidate }) => (
            <li key={candidate.id}>
              {candidate.prompt} → {candidate.target_new} <TakeBackEdit edit={candidate} />
            </li>
          ))}
        </ul>
      )}
      {before !== null && (
        <p className="soft">
          Before it, the answer was: <q>{before.answer.trim()}</q>
        </p>
      )}
    </div>
  );
}
