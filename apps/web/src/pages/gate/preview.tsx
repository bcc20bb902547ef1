// What a gate would have made of the latest batches of a branch, by what was measured of them then.
import { type GatePolicy, type GateTest, reasonsOf } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { errata } from '../../api/client.ts';
import { Problem } from '../../parts/problem.tsx';
import { When } from '../../parts/when.tsx';

const restMs = 400;

/** A value once it has not changed for a moment. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), restMs);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

interface PreviewProps {
  readonly model: string;
  readonly branch: string;
  readonly gate: GatePolicy;
  readonly changed: boolean;
}

export function Preview({ model, branch, gate, changed }: PreviewProps) {
  const tried = useSettled(JSON.stringify(gate));
  const { data, error } = useQuery({
    queryKey: ['gate test', model, branch, tried],
    queryFn: () => errata.branches.testGate(model, branch, { gate: JSON.parse(tried) }),
    placeholderData: (before) => before,
  });
  const others = data?.jobs.filter(({ passed, verdict }) => passed !== verdict.passed).length ?? 0;
  return (
    <section className="stack tight" aria-label="Preview" aria-live="polite">
      <h2>{changed ? 'What this gate would have made' : 'What this gate makes'} of the latest batches</h2>
      <Problem error={error} />
      {data?.jobs.length === 0 && (
        <p className="soft">No batch of {branch} has been judged yet: there is nothing to try it on.</p>
      )}
      {data !== undefined && data.jobs.length > 0 && (
        <>
          <p className={others > 0 ? 'note warn' : 'soft small'}>
            {others === 0
              ? `Of ${data.jobs.length}, it would have judged none otherwise.`
              : `${others} of ${data.jobs.length} would have been judged otherwise.`}{' '}
            By what was measured of them then; nothing is measured again.
          </p>
          <ul className="gate-tried card">
            {data.jobs.map((job) => (
              <Tried key={job.job_id} job={job} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

const Outcome = ({ passed }: { readonly passed: boolean }) => (
  <span className={`badge ${passed ? 'good' : 'bad'}`}>{passed ? 'passes' : 'fails'}</span>
);

function Tried({ job }: { readonly job: GateTest['jobs'][number] }) {
  const { job_id, edits, created_at, passed, verdict, unanswered } = job;
  return (
    <li className={passed === verdict.passed ? undefined : 'otherwise'}>
      <div className="row">
        <span className="grow">
          <Link to="/jobs/$job" params={{ job: job_id }}>
            {edits} {edits === 1 ? 'edit' : 'edits'}
          </Link>{' '}
          <span className="small soft unbroken">
            <When at={created_at} />
          </span>
        </span>
        <span className="small">
          then <Outcome passed={passed} />
        </span>
        <span className="small">
          by this gate <Outcome passed={verdict.passed} />
        </span>
      </div>
      {reasonsOf(verdict).map((reason) => (
        <p key={reason} className="small">
          {reason}
        </p>
      ))}
      {unanswered.length > 0 && (
        <p className="small soft">
          Not known, since it was not measured then: {unanswered.map(({ metric }) => metric).join(', ')}
        </p>
      )}
    </li>
  );
}
