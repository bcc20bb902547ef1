// What blame found: the edit behind an answer, with the answer before and after it.
import { type BlameMethod, type BlameResult, isTerminal } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { whileMoving } from '../../api/queries.ts';
import { Problem } from '../../parts/problem.tsx';
import { ScrollX } from '../../parts/scroll-x.tsx';
import { TakeBackEdit } from '../../parts/take-back-edit.tsx';
import { VersionId } from '../../parts/version-id.tsx';
import { VersionLink } from '../../parts/version-link.tsx';
import { Searching } from './searching.tsx';

const share = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });

const told: Readonly<Record<BlameMethod, string>> = {
  only_edit: 'It was the only edit of its solve.',
  prompt: 'Of the edits that were solved together, it is the one that asks this.',
  subject: 'Of the edits that were solved together, it is the one about this subject.',
  replay: 'Of the edits that were solved together, it is the one without which the answer is another.',
};

export function BlameFinding({ id }: { readonly id: string }) {
  const { data: blame, error } = useQuery({
    queryKey: ['blame', id],
    queryFn: () => errata.blame.get(id),
    refetchInterval: ({ state: { data } }) => (data !== undefined && isTerminal(data.state) ? false : whileMoving),
  });
  if (blame === undefined) return error === null ? <p className="soft">Loading…</p> : <Problem error={error} />;
  return (
    <section className="stack tight" aria-live="polite">
      <h2>“{blame.prompt}”</h2>
      {blame.result === null ? <Searching job={blame} /> : <Found result={blame.result} />}
    </section>
  );
}

function Found({ result }: { readonly result: BlameResult }) {
  const { answer, origin, edit, method, candidates, before, after, job_version_id } = result;
  return (
    <div className="card stack">
      <p>
        It answers <strong>{answer}</strong>, in version <VersionLink id={result.version_id} />.
      </p>
      {origin === 'base' && <p>No edit made this answer: the model gave it when it was imported.</p>}
      {edit !== null && (
        <>
          <p>
            The edit “{edit.prompt} <strong>{edit.target_new}</strong>” made it.{' '}
            {method !== null && <span className="soft">{told[method]}</span>}
          </p>
          <div className="row">
            <Link to="/jobs/$job" params={{ job: edit.job_id }}>
              Its job
            </Link>
            {job_version_id !== null && (
              <Link to="/versions/$version" params={{ version: job_version_id }}>
                The version that it made
              </Link>
            )}
            <TakeBackEdit edit={edit} />
          </div>
        </>
      )}
      {origin === 'edit' && edit === null && (
        <div className="stack tight">
          <p>One of these edits made it; they were solved together and cannot be told apart:</p>
          <ul>
            {candidates.map((candidate) => (
              <li key={candidate.edit.id}>
                {candidate.edit.prompt} <strong>{candidate.edit.target_new}</strong>
                {candidate.answer_without !== null && (
                  <span className="soft"> (without it: {candidate.answer_without})</span>
                )}{' '}
                <TakeBackEdit edit={candidate.edit} />
              </li>
            ))}
          </ul>
        </div>
      )}
      {before !== null && (
        <ScrollX label="The answer before and after" card={false}>
          <table>
            <thead>
              <tr>
                <th scope="col">Version</th>
                <th scope="col">Answer</th>
                <th scope="col" className="number">
                  Probability of “{answer}”
                </th>
              </tr>
            </thead>
            <tbody>
              {[before, after].map((state, index) => (
                <tr key={state.version_id}>
                  <th scope="row">
                    {index === 0 ? 'before' : 'after'} <VersionId id={state.version_id} />
                  </th>
                  <td>{state.answer}</td>
                  <td className="number">{share.format(state.probability.answer)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollX>
      )}
      {!result.exact && (
        <p className="small soft">
          Not every version in between was asked: {result.asked.length} of {result.contributions + 1}. The answer may
          have come and gone between them.
        </p>
      )}
    </div>
  );
}
