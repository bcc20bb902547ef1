// Asks why the model answers as it does: first which edit made the answer, then, for an answer that was right once, which move broke it.
import { useMutation } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { useSession } from '../../api/session.ts';
import { Field } from '../../parts/field.tsx';
import { Problem } from '../../parts/problem.tsx';
import { BisectFinding } from './bisect-finding.tsx';
import { BlameFinding } from './blame-finding.tsx';

const route = getRouteApi('/why');

export function Why() {
  const { blame, bisect } = route.useSearch();
  return (
    <div className="stack">
      <h1>Why this answer</h1>
      <Question />
      {blame !== undefined && <BlameFinding id={blame} />}
      {bisect !== undefined && <BisectFinding id={bisect} />}
    </div>
  );
}

function Question() {
  const { prompt: given = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const { model, branch } = useWhere();
  const { may } = useSession();
  const [prompt, setPrompt] = useState(given);
  const [target, setTarget] = useState('');
  const search = useMutation({
    mutationFn: async (kind: 'blame' | 'bisect') => {
      if (kind === 'blame') return { blame: (await errata.blame.create({ model: model!, branch, prompt })).id };
      const probe = { prompt, ...(target.trim() === '' ? {} : { target: target.trim() }) };
      return { bisect: (await errata.bisections.create({ model: model!, branch, probe })).id };
    },
    onSuccess: (found) =>
      void navigate({ search: (now) => ({ ...now, blame: undefined, bisect: undefined, ...found, prompt }) }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    search.mutate('blame');
  };
  const ready = model !== undefined && prompt.trim() !== '' && !search.isPending;
  return (
    <form className="card stack" onSubmit={submit}>
      <Field label="What was asked" hint={`As it was asked of ${model ?? 'the model'}, word for word`}>
        <textarea value={prompt} required maxLength={4000} onChange={({ target: { value } }) => setPrompt(value)} />
      </Field>
      <Field
        label="The right answer"
        hint="Only for “since when is it wrong”; left empty, it looks for the last move that changed the answer at all"
      >
        <input value={target} maxLength={4000} onChange={({ target: { value } }) => setTarget(value)} />
      </Field>
      <Problem error={search.error} />
      {may('models:read') && (
        <div className="row">
          <button type="submit" className="button primary" disabled={!ready}>
            Which edit made this answer?
          </button>
          <button type="button" className="button" disabled={!ready} onClick={() => search.mutate('bisect')}>
            Since when is it wrong?
          </button>
        </div>
      )}
    </form>
  );
}
