// The evaluations that are chosen: curves against the number of edits, figures side by side, and two of them case by case.
import { type EvaluationResource, type MetricMean, metricCatalogue } from '@errata/contracts';
import { lineChart, metricCharts } from '@errata/evaluation/charts';
import { useMutation } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { Charts } from '../../parts/chart.tsx';
import { inPercent } from '../../parts/percent.ts';
import { Problem } from '../../parts/problem.tsx';
import { ScrollX } from '../../parts/scroll-x.tsx';
import { ChangedAnswers } from './changed-answers.tsx';
import { curvedEvaluation } from './curves.ts';
import { nameOf } from './name.ts';

export function Chosen({ evaluations }: { readonly evaluations: readonly EvaluationResource[] }) {
  if (evaluations.length === 0) return null;
  const charts = metricCharts(evaluations.map((evaluation, index) => curvedEvaluation(evaluation, index + 1)));
  const [one, other] = evaluations;
  return (
    <>
      {charts.length > 0 && (
        <section className="stack tight" aria-label="Curves">
          <h2>Against the number of edits</h2>
          <p className="small soft">Bands are 95 % bootstrap intervals over cases.</p>
          <Charts drawn={charts.map(lineChart)} />
        </section>
      )}
      <Figures evaluations={evaluations} />
      {one !== undefined && other !== undefined && evaluations.length === 2 && <CaseByCase one={one} other={other} />}
      {one !== undefined && evaluations.length === 1 && <ChangedAnswers id={one.id} />}
    </>
  );
}

const plain = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });

function printed(metric: string, value: number): string {
  return metricCatalogue.get(metric)?.unit === 'fraction' ? inPercent(value) : plain.format(value);
}

function Figures({ evaluations }: { readonly evaluations: readonly EvaluationResource[] }) {
  const metrics = [...new Set(evaluations.flatMap(({ outcome }) => Object.keys(outcome?.metrics ?? {})))].sort();
  return (
    <section className="stack tight" aria-label="Figures">
      <h2>Figures</h2>
      <p className="small soft">
        Means over cases; below each the 95 % bootstrap interval and, where there is one, what it was before.
      </p>
      <ScrollX label="Figures side by side">
        <table>
          <thead>
            <tr>
              <th scope="col">Metric</th>
              {evaluations.map((evaluation, index) => (
                <th key={evaluation.id} scope="col" className="number">
                  <Link to="/jobs/$job" params={{ job: evaluation.id }}>
                    {index + 1} {nameOf(evaluation, evaluations)}
                  </Link>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {metrics.map((metric) => (
              <tr key={metric}>
                <th scope="row" title={metricCatalogue.get(metric)?.definition}>
                  {metricCatalogue.get(metric)?.title ?? metric}
                </th>
                {evaluations.map(({ id, outcome }) => (
                  <Figure key={id} metric={metric} mean={outcome?.metrics[metric]} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollX>
    </section>
  );
}

function Figure({ metric, mean }: { readonly metric: string; readonly mean: MetricMean | undefined }) {
  if (mean === undefined) return <td className="number soft">–</td>;
  const { value, interval, before } = mean;
  const more = [
    interval === null ? [] : `${printed(metric, interval.low)} to ${printed(metric, interval.high)}`,
    before === null ? [] : `was ${printed(metric, before.value)}`,
  ];
  return (
    <td className="number">
      {printed(metric, value)}
      <span className="small soft figure-more">{more.flat().join(', ')}</span>
    </td>
  );
}

function CaseByCase({ one, other }: { readonly one: EvaluationResource; readonly other: EvaluationResource }) {
  const navigate = useNavigate();
  const compare = useMutation({
    mutationFn: () => errata.comparisons.create({ one: one.id, other: other.id }),
    onSuccess: ({ id }) => void navigate({ to: '/jobs/$job', params: { job: id } }),
  });
  return (
    <section className="stack tight">
      <div className="row">
        <button type="button" className="button primary" disabled={compare.isPending} onClick={() => compare.mutate()}>
          Compare the two case by case
        </button>
        <span className="small soft">What got worse comes first, with its answers.</span>
      </div>
      <Problem error={compare.error} />
    </section>
  );
}
