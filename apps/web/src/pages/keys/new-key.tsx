// A new key: whom it is for, what it may do, and until when. It is shown once.
import { type CreatedKey, type Scope, scopes } from '@errata/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { errata } from '../../api/client.ts';
import { Field } from '../../parts/field.tsx';
import { Problem } from '../../parts/problem.tsx';
import { endOf, type Life, lives } from './life.ts';
import { MadeKey } from './made-key.tsx';

const words: Readonly<Record<Scope, string>> = {
  'models:read': 'ask, and see everything',
  'edits:write': 'submit corrections and schedules, make branches',
  'versions:rollback': 'take edits back, set branches back',
  'aliases:write': 'name versions, and move what serves',
  'evals:write': 'evaluate, and search histories',
  approve: 'approve and reject what others submitted',
  'audit:read': 'read the log of who did what',
  admin: 'everything: models, gates, keys, storage',
};

export function NewKey() {
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<readonly Scope[]>(['models:read']);
  const [life, setLife] = useState<Life>('90');
  const [day, setDay] = useState('');
  const [made, setMade] = useState<CreatedKey | null>(null);
  const make = useMutation({
    mutationFn: () => errata.keys.create({ name, scopes: [...chosen], expires_at: endOf(life, day) }),
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
      <div className="row">
        <Field label="It ends" hint="By itself; it can be revoked before">
          <select value={life} onChange={({ target }) => setLife(target.value as Life)}>
            {Object.entries(lives).map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </Field>
        {life === 'day' && (
          <Field label="Day">
            <input type="date" required value={day} onChange={({ target }) => setDay(target.value)} />
          </Field>
        )}
      </div>
      <Problem error={make.error} />
      <div className="row">
        <button
          type="submit"
          className="button primary"
          disabled={name.trim() === '' || chosen.length === 0 || (life === 'day' && day === '') || make.isPending}
        >
          Make the key
        </button>
      </div>
      {made !== null && <MadeKey of={made} onClose={() => setMade(null)} />}
    </form>
  );
}
