// A name for a version: an alias, which moves and keeps its history, or a tag, which never does.

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { errata } from '../../api/client.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Problem } from '../../parts/problem.tsx';
import type { ActionProps } from './action-props.ts';

export function NameVersion({ version, model, onClose }: ActionProps) {
  const queries = useQueryClient();
  const [kind, setKind] = useState<'alias' | 'tag'>('alias');
  const [name, setName] = useState('');
  const [why, setWhy] = useState('');
  const give = useMutation({
    mutationFn: async () => {
      const words = why.trim() === '' ? undefined : why.trim();
      if (kind === 'alias') await errata.aliases.set(model, name, { version: version.id, reason: words });
      else await errata.tags.create(model, { name, version: version.id, message: words });
    },
    onSuccess: async () => {
      await Promise.all(['models', 'aliases', 'tags'].map((key) => queries.invalidateQueries({ queryKey: [key] })));
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    give.mutate();
  };
  return (
    <Dialog title="Name this version" onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <fieldset className="stack tight choices">
          <legend className="label">Kind</legend>
          <label className="small">
            <input type="radio" name="kind" checked={kind === 'alias'} onChange={() => setKind('alias')} /> Alias: it
            moves from version to version, and every move is kept. Clients ask for {model}@{name || 'production'}.
          </label>
          <label className="small">
            <input type="radio" name="kind" checked={kind === 'tag'} onChange={() => setKind('tag')} /> Tag: it names
            this version for good.
          </label>
        </fieldset>
        <Field label="Name">
          <input
            value={name}
            required
            maxLength={100}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            onChange={({ target }) => setName(target.value)}
          />
        </Field>
        <Field label={kind === 'alias' ? 'Reason' : 'Message'} hint="Kept beside it; may be left empty">
          <input value={why} maxLength={1000} onChange={({ target }) => setWhy(target.value)} />
        </Field>
        <Problem error={give.error} />
        <div className="row">
          <button type="submit" className="button primary" disabled={name === '' || give.isPending}>
            {kind === 'alias' ? 'Put the alias here' : 'Tag it'}
          </button>
          <button type="button" className="button" onClick={onClose}>
            Leave it
          </button>
        </div>
      </form>
    </Dialog>
  );
}
