// What is stored, checked as a whole, and what could be collected of it. Collecting itself is left to the command line.
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { Problem } from '../../parts/problem.tsx';

export function Storage() {
  const navigate = useNavigate();
  const begin = useMutation({
    mutationFn: (what: 'check' | 'collection') =>
      what === 'check' ? errata.checks.create() : errata.collections.create({ dry_run: true }),
    onSuccess: (job) => void navigate({ to: '/jobs/$job', params: { job: job.id } }),
  });
  return (
    <section className="card stack">
      <h2>Storage</h2>
      <p>
        A check reads everything that is stored and compares it with its name, and every history with its rules. A dry
        run of a collection says what nothing names any more; <code>npx errata gc --delete</code> frees it.
      </p>
      <Problem error={begin.error} />
      <div className="row">
        <button type="button" className="button" disabled={begin.isPending} onClick={() => begin.mutate('check')}>
          Check everything
        </button>
        <button type="button" className="button" disabled={begin.isPending} onClick={() => begin.mutate('collection')}>
          What could be collected?
        </button>
      </div>
    </section>
  );
}
