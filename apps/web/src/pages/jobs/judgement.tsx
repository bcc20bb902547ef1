// A candidate against its parent: what the gate says, the metrics with how sure they are, and every edit, the worst first.
import {
  boundedMetric,
  type EditRecord,
  type GateFinding,
  type JobResource,
  type MeanScore,
  shareInterval,
} from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { errata } from '../../api/client.ts';
import { inPercent } from '../../parts/percent.ts';
import { Problem } from '../../parts/problem.tsx';
import './judgement.css';

const editsRead = 1000;

export function Judgement({ job }: { readonly job: JobResource }) {
  const { gate, summary } = job;
  return (
    <>
      {gate !== null && <Gate gate={gate} />}
      {summary !== null && <Metrics summary={summary} />}
      {job.kind === 'edit' && <Edits id={job.id} state={job.state} />}
    </>
  );
}

const figures = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const inWords = (name: string) => name.replaceAll('_', ' ');

function boundOf({ min, max, against, each }: GateFinding): string {
  const bounds = [
    min === undefined ? [] : `at least ${figures.format(min)}`,
    max === undefined ? [] : `at most ${figures.format(max)}`,
  ];
  const of = against === undefined || against === 'absolute' ? '' : `, against the ${against}`;
  return `${bounds.flat().join(' and ')}${of}${each === true ? ', for each edit' : ''}`;
}

const outcomes = {
  passed: ['passed', 'good'],
  failed: ['failed', 'bad'],
  not_applicable: ['not measured', ''],
} as const;

function Gate({ gate: { passed, findings, canaries = [] } }: { readonly gate: NonNullable<JobResource['gate']> }) {
  return (
    <section className="stack tight" aria-label="Gate">
      <div className="row">
        <h2>Gate</h2>
        <span className={`badge ${passed ? 'good' : 'bad'}`}>{passed ? 'passed' : 'failed'}</span>
      </div>
      <p className="small soft">
        Shares are from 0 to 1 and count tokens, where a rule does not say “exact”; below, whole answers count.
      </p>
      <div className="card measured">
        <table>
          <thead>
            <tr>
              <th scope="col">Rule</th>
              <th scope="col">Must be</th>
              <th scope="col" className="number">
                Is
              </th>
              <th scope="col">Outcome</th>
            </tr>
          </thead>
          <tbody>
            {findings.map((finding) => {
              const [words, tone] = outcomes[finding.outcome];
              return (
                <tr key={JSON.stringify([finding.metric, finding.against, finding.each])}>
                  <td title={boundedMetric(finding.metric)?.definition}>{inWords(finding.metric)}</td>
                  <td>{boundOf(finding)}</td>
                  <td className="number">{finding.value === null ? '–' : figures.format(finding.value)}</td>
                  <td>
                    <span className={`badge ${tone}`}>{words}</span>
                    {finding.reason !== undefined && <p className="small">{finding.reason}</p>}
                    {(finding.custom_ids?.length ?? 0) > 0 && (
                      <p className="small">by {finding.custom_ids?.slice(0, 5).join(', ')}</p>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {canaries.length > 0 && (
        <ul className="card canaries">
          {canaries.map(({ prompt, expected, answer, kept }) => (
            <li key={prompt}>
              <span className={`badge ${kept ? 'good' : 'bad'}`}>{kept ? 'kept' : 'lost'}</span> {prompt}{' '}
              <q>{expected.trim()}</q>
              {!kept && (
                <>
                  {' '}
                  became <q>{answer.trim()}</q>
                </>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

interface Row {
  readonly name: string;
  readonly inner?: boolean;
  readonly before: MeanScore | null;
  readonly after: MeanScore;
}

function rowsOf(summary: NonNullable<JobResource['summary']>): readonly Row[] {
  const { reliability, generalization, locality, locality_by_kind, portability_by_kind } = summary;
  return [
    { name: 'reliability', ...reliability },
    ...(generalization === null ? [] : [{ name: 'generalization', ...generalization }]),
    ...(locality === null ? [] : [{ name: 'locality', before: null, after: locality }]),
    ...Object.entries(locality_by_kind).map(([name, after]) => ({ name, inner: true, before: null, after })),
    ...Object.entries(portability_by_kind).map(([name, both]) => ({ name: `portability, ${name}`, ...both })),
  ];
}

function Metrics({ summary }: { readonly summary: NonNullable<JobResource['summary']> }) {
  const { perplexity, delta_norm, applied, edits, already_holds } = summary;
  return (
    <section className="stack tight" aria-label="Metrics">
      <h2>Against its parent</h2>
      <p className="small soft">
        Share of probes whose generated answer is right; of locality, whose answer is the parent's. In brackets the 95 %
        interval that the number of probes allows.
      </p>
      <div className="card measured">
        <table>
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col" className="number">
                Probes
              </th>
              <th scope="col" className="number">
                Before
              </th>
              <th scope="col" className="number">
                After
              </th>
            </tr>
          </thead>
          <tbody>
            {rowsOf(summary).map(({ name, inner, before, after }) => (
              <tr key={name}>
                <td className={inner === true ? 'inner' : ''}>{inWords(name)}</td>
                <td className="number">{after.count}</td>
                <td className="number">{before === null ? '–' : inPercent(before.exact)}</td>
                <td className="number">
                  {inPercent(after.exact)} <Sure of={after} />
                </td>
              </tr>
            ))}
            {perplexity !== null && (
              <tr>
                <td>perplexity of the held text</td>
                <td />
                <td className="number">{figures.format(perplexity.parent)}</td>
                <td className="number">{figures.format(perplexity.candidate)}</td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
      <p className="small soft">
        {applied} of {edits} {edits === 1 ? 'edit' : 'edits'} applied
        {already_holds > 0 && `, ${already_holds} held already`}
        {delta_norm !== null && `; the largest change of a matrix is ${figures.format(delta_norm)} times its norm`}.
      </p>
    </section>
  );
}

function Sure({ of: { exact, count } }: { readonly of: MeanScore }) {
  const interval = shareInterval(exact, count);
  if (interval === null) return null;
  return (
    <span className="soft small sure">
      ({inPercent(interval.low)} to {inPercent(interval.high)})
    </span>
  );
}

/** The worst that an edit did, from 0 to 1: its own answer, its rephrases, or what should have stayed. */
function worstOf({ result }: EditRecord): number {
  if (result === null || result.outcome === 'failed' || result.outcome === 'refused') return -1;
  const shares = [
    result.reliability.after.token,
    ...(result.generalization === null ? [] : [result.generalization.after.token]),
    ...Object.values(result.locality).map(({ token }) => token),
  ];
  return Math.min(...shares);
}

function Edits({ id, state }: { readonly id: string; readonly state: string }) {
  const { data: edits, error } = useQuery({
    queryKey: ['job', id, 'edits', state],
    queryFn: () => errata.jobs.edits(id, { limit: 100 }).all(editsRead),
  });
  if (edits === undefined) return <Problem error={error} />;
  const measured = edits.some(({ result }) => result !== null);
  const worstFirst = measured ? [...edits].sort((a, b) => worstOf(a) - worstOf(b)) : edits;
  return (
    <section className="stack tight" aria-label="Edits">
      <h2>{measured ? 'Edits, the worst first' : 'Edits'}</h2>
      {edits.length === editsRead && <p className="small soft">Of the first {editsRead}.</p>}
      <ul className="card edit-results">
        {worstFirst.map((edit) => (
          <Result key={edit.id} edit={edit} />
        ))}
      </ul>
    </section>
  );
}

const editOutcomes: Readonly<Record<string, readonly [string, string]>> = {
  applied: ['applied', 'good'],
  already_holds: ['held already', 'good'],
  failed: ['failed', 'bad'],
  refused: ['refused', 'bad'],
};

function Result({ edit: { custom_id, prompt, target_new, result } }: { readonly edit: EditRecord }) {
  const [words, tone] = editOutcomes[result?.outcome ?? ''] ?? ['not measured', ''];
  const holds = result?.reliability.after.exact === 1;
  return (
    <li>
      <div className="row spread">
        <span>
          {prompt} <strong>{target_new}</strong>
        </span>
        <span className={`badge ${tone}`}>{words}</span>
      </div>
      {result !== null && result.outcome !== 'failed' && (
        <p className="small">
          <q>{result.answer_before.trim()}</q> became{' '}
          <q className={holds ? '' : 'wrong'}>{result.answer_after.trim()}</q>
        </p>
      )}
      {result !== null && (
        <p className="small soft">
          {[
            ...(result.generalization === null ? [] : [`rephrases ${inPercent(result.generalization.after.token)}`]),
            ...Object.entries(result.locality).map(
              ([kind, { token }]) => `${inWords(kind)} ${inPercent(token)} as before`,
            ),
          ].join(' · ') || custom_id}
        </p>
      )}
      {result?.error != null && <p className="small wrong">{result.error.message}</p>}
      {result?.refusal !== undefined && <p className="small wrong">{result.refusal.reasons.join('; ')}</p>}
    </li>
  );
}
