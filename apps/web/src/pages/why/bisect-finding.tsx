// What a bisection found: the move that broke an answer, and every version that was looked at on the way.
import { type BisectResult, isTerminal } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { errata } from '../../api/client.ts';
import { whileMoving } from '../../api/queries.ts';
import { Problem } from '../../parts/problem.tsx';
import { ScrollX } from '../../parts/scroll-x.tsx';
import { VersionLink } from '../../parts/version-link.tsx';
import { Searching } from './searching.tsx';

export function BisectFinding({ id }: { readonly id: string }) {
  const { data: bisection, error } = useQuery({
    queryKey: ['bisection', id],
    queryFn: () => errata.bisections.get(id),
    refetchInterval: ({ state: { data } }) => (data !== undefined && isTerminal(data.state) ? false : whileMoving),
  });
  if (bisection === undefined) return error === null ? <p className="soft">Loading…</p> : <Problem error={error} />;
  return (
    <section className="stack tight" aria-live="polite">
      <h2>Since when “{bisection.probe.prompt}” is answered otherwise</h2>
      {bisection.result === null ? <Searching job={bisection} /> : <Found result={bisection.result} />}
    </section>
  );
}

function Found({ result: { first_bad, last_good, expected, steps, moves } }: { readonly result: BisectResult }) {
  const { added, removed } = first_bad;
  return (
    <div className="card stack">
      <p>
        Since move {first_bad.sequence}, which made <VersionLink id={first_bad.version_id} />: it answers{' '}
        <strong>{first_bad.answer}</strong>. Right before, <VersionLink id={last_good.version_id} /> answered{' '}
        <strong>{last_good.answer}</strong>; expected is {expected}.
      </p>
      {added.length + removed.length > 0 && (
        <div className="stack tight">
          <p>That move</p>
          <ul>
            {added.map(({ id, prompt, target_new }) => (
              <li key={id}>
                brought “{prompt} <strong>{target_new}</strong>”
              </li>
            ))}
            {removed.map(({ id, prompt, target_new }) => (
              <li key={id}>
                took away “{prompt} <strong>{target_new}</strong>”
              </li>
            ))}
          </ul>
        </div>
      )}
      {first_bad.reason !== null && <p className="soft">Its reason: “{first_bad.reason}”</p>}
      <details>
        <summary>
          {steps.length} of {moves} versions were asked
        </summary>
        <ScrollX label="Moves that were tried" card={false}>
          <table>
            <thead>
              <tr>
                <th scope="col" className="number">
                  Move
                </th>
                <th scope="col">Version</th>
                <th scope="col">Answer</th>
                <th scope="col">Verdict</th>
              </tr>
            </thead>
            <tbody>
              {steps.map(({ sequence, version_id, answer, verdict }) => (
                <tr key={sequence}>
                  <td className="number">{sequence}</td>
                  <td>
                    <VersionLink id={version_id} />
                  </td>
                  <td>{answer}</td>
                  <td>
                    <span className={`badge ${verdict}`}>{verdict}</span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollX>
      </details>
    </div>
  );
}
