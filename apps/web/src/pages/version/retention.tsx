// Which of the edits of a version hold in it still, by when they were made; measured when asked for.
import type { VersionResource } from '@errata/contracts';
import { lineChart, retentionChart } from '@errata/evaluation/charts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { Charts } from '../../parts/chart.tsx';
import { inPercent } from '../../parts/percent.ts';
import { Problem } from '../../parts/problem.tsx';
import { When } from '../../parts/when.tsx';

const numbers = new Intl.NumberFormat();

export function VersionRetention({ version }: { readonly version: VersionResource }) {
  const { id, model_id } = version;
  const { may } = useSession();
  const queries = useQueryClient();
  const { data: retention, error } = useQuery({
    queryKey: ['retention', id],
    queryFn: () => errata.versions.retention(id),
  });
  const measure = useMutation({
    mutationFn: async () => {
      const job = await errata.evaluations.create({ model: model_id, version: id, suite: 'applied' });
      const ended = await errata.jobs.wait(job.id);
      if (ended.error !== null) throw new Error(ended.error.message);
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['retention', id] });
      await queries.invalidateQueries({ queryKey: ['evaluations', id] });
    },
  });
  return (
    <section className="stack tight" aria-label="Retention">
      <h2>What holds of all its edits</h2>
      <Problem error={error ?? measure.error} />
      {retention?.evaluation != null && (
        <>
          <p>
            {numbers.format(retention.held)} of {numbers.format(retention.edits)} edits that it has hold
            {retention.edits > 0 && ` (${inPercent(retention.held / retention.edits)})`}
            {retention.failed > 0 && `; ${numbers.format(retention.failed)} could not be asked`}.{' '}
            <span className="small soft">
              Asked <When at={retention.evaluation.at} /> by{' '}
              <Link to="/jobs/$job" params={{ job: retention.evaluation.id }}>
                an evaluation
              </Link>
              ; an edit holds where the answer, generated freely, is the one that was asked for.
            </span>
          </p>
          {retention.slices.length > 1 && <Charts drawn={[lineChart(retentionChart(retention.slices))]} />}
        </>
      )}
      {retention?.evaluation === null && (
        <p className="soft">
          Its gate looked at the edits of its own batch. Whether all those before hold as well has not been asked of it.
        </p>
      )}
      {retention !== undefined && may('evals:write') && (
        <div className="row">
          <button type="button" className="button" disabled={measure.isPending} onClick={() => measure.mutate()}>
            {measure.isPending
              ? 'Asking about every edit…'
              : retention.evaluation === null
                ? 'Ask about all of them'
                : 'Ask again'}
          </button>
        </div>
      )}
    </section>
  );
}
