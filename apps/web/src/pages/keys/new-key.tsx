// A new key: whom it is for, and what it may do. It is shown once.
import { type CreatedKey, type Scope, scopes } from '@errata/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { errata } from '../../api/client.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Problem } from '../../parts/problem.tsx';

const words: Readonly<Record<Scope, string>> = {
  'models:read': 'ask, and see everything',
  'edits:write': 'submit corrections and schedules, make branches',
  'versions:rollback': 'take edits back, set branches back',
  'aliases:write': 'name versions, and move what serves',
  'evals:write': 'evaluate, and search histories',
  approve: 'approve and reject what others submitted',
  admin: 'everything: models, gates, keys, storage',
};

export function NewKey() {
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<readonly Scope[]>(['models:read']);
  const [made, setMade] = useState<CreatedKey | null>(null);
  const make = useMutation({
    mutationFn: () => errata.keys.create({ name, scopes: [...chosen] }),
    onSuccess: async (key) => {
      setMade(key);
      setName('');
      await queries.invalidateQueries({ queryKey: ['keys'] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  const toggle = (scope: Scope) =>
    setChosen(chosen.includes(scope) ? chosen.filter((other) => other !== scope) : [...chosen, scope]);
  return (
    <form className="card stack" onSubmit={submit}>
      <h2>Make a key</h2>
      <Field label="Name" hint="Who or what it is for">
        <input value={name} required maxLength={200} onChange={({ target }) => setName(target.value)} />
      </Field>
      <fieldset className="choices stack tight">
        <legend className="label">It may</legend>
        {scopes.map((scope) => (
          <label key={scope} className="check">
            <input type="checkbox" checked={chosen.includes(scope)} onChange={() => toggle(scope)} />
            <span>
              {words[scope]} <code className="small soft">{scope}</code>
            </span>
          </label>
        ))}
      </fieldset>
      <Problem error={make.error} />
      <div className="row">
        <button
          type="submit"
          className="button primary"
          disabled={name.trim() === '' || chosen.length === 0 || make.isPending}
        >
          Make the key
        </button>
      </div>
      {made !== null && (
        <Dialog title={`The key of ${made.name}`} onClose={() => setMade(null)}>
          <p>It is shown here and never again: only its hash is kept.</p>
          <pre>{made.token}</pre>
          <div className="row">
            <button type="button" className="button" onClick={() => void navigator.clipboard.writeText(made.token)}>
              Copy it
            </button>
            <button type="button" className="button primary" onClick={() => setMade(null)}>
              I have kept it
            </button>
          </div>
        </Dialog>
      )}
    </form>
  );
}
