// The answers of an evaluation that are not what they were before, as they were and as they are.
import { errata } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { More } from '../../parts/more.tsx';
import { Problem } from '../../parts/problem.tsx';

export function ChangedAnswers({ id }: { readonly id: string }) {
  const { found, items: rows } = usePages(['evaluation rows', id], () =>
    errata.evaluations.rows(id, { changed: true, limit: 50 }),
  );
  return (
    <section className="stack tight" aria-label="Answers that changed">
      <h2>Answers that changed</h2>
      <Problem error={found.error} />
      {found.isSuccess && rows.length === 0 && <p className="soft">None: every answer is what it was.</p>}
      {rows.length > 0 && (
        <ul className="plain card stack tight">
          {rows.map(({ position, prompt, answer_before, answer_after, regressions }) => (
            <li key={position}>
              {prompt} <q>{answer_before?.trim()}</q> became <q>{answer_after?.trim()}</q>
              {regressions.map((worse) => (
                <p key={`${worse.metric} ${worse.prompt}`} className="small soft">
                  {worse.prompt} <q>{worse.before.trim()}</q> became <q>{worse.after.trim()}</q>
                </p>
              ))}
            </li>
          ))}
        </ul>
      )}
      <More of={found}>More answers</More>
    </section>
  );
}
