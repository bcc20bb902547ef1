// Two evaluations held against each other, what got worse first, with answers of both.
import type { ComparisonResult, JobResource, MetricComparison } from '@errata/contracts';
import { metricCatalogue } from '@errata/contracts';
import { ScrollX } from '../../parts/scroll-x.tsx';

const figures = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3, signDisplay: 'exceptZero' });
const plain = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });

export function ComparisonReport({ job: { kind, result } }: { readonly job: JobResource }) {
  if (kind !== 'comparison' || result === null) return null;
  const { metrics, answers, answers_differing, answers_compared } = result as ComparisonResult;
  const titles = new Map<string, number>();
  for (const metric of metrics) titles.set(titleOf(metric), (titles.get(titleOf(metric)) ?? 0) + 1);
  return (
    <>
      <section className="stack tight" aria-label="Metrics">
        <h2>The second against the first</h2>
        <ScrollX label="Metrics, the surest losses first">
          <table>
            <thead>
              <tr>
                <th scope="col">Metric</th>
                <th scope="col" className="number">
                  First
                </th>
                <th scope="col" className="number">
                  Second
                </th>
                <th scope="col" className="number">
                  Difference (95 %)
                </th>
                <th scope="col" className="number">
                  Better, worse
                </th>
              </tr>
            </thead>
            <tbody>
              {metrics.map((metric) => (
                <Metric key={metric.metric} of={metric} isOnly={titles.get(titleOf(metric)) === 1} />
              ))}
            </tbody>
          </table>
        </ScrollX>
      </section>
      <section className="stack tight" aria-label="Answers">
        <h2>
          {answers_differing} of {answers_compared} answers differ
        </h2>
        {answers.length > 0 && (
          <ul className="plain card stack tight">
            {answers.map(({ case_id, prompt, one, other, turned }) => (
              <li key={case_id}>
                <span className={`badge ${turned === 'broken' ? 'bad' : turned === 'mended' ? 'good' : ''}`}>
                  {turned}
                </span>{' '}
                {prompt} <q>{one.trim()}</q>, then <q>{other.trim()}</q>
              </li>
            ))}
          </ul>
        )}
      </section>
    </>
  );
}

const titleOf = ({ metric }: MetricComparison): string => metricCatalogue.get(metric)?.title ?? metric;

interface MetricProps {
  readonly of: MetricComparison;
  /** Whether no other has its title. */
  readonly isOnly: boolean;
}

function Metric({ of, isOnly }: MetricProps) {
  const { metric, one, other, difference, wins, losses } = of;
  const interval = difference?.interval;
  return (
    <tr>
      <th scope="row" title={metricCatalogue.get(metric)?.definition}>
        {titleOf(of)} {!isOnly && <code className="soft">{metric}</code>}
      </th>
      <td className="number">{one === null ? '–' : plain.format(one.value)}</td>
      <td className="number">{other === null ? '–' : plain.format(other.value)}</td>
      <td className="number unbroken">
        {difference === null ? '–' : figures.format(difference.value)}
        {interval != null && (
          <span className="small soft">
            {' '}
            ({figures.format(interval.low)} to {figures.format(interval.high)})
          </span>
        )}
      </td>
      <td className="number">
        {wins}, {losses}
      </td>
    </tr>
  );
}
