// Importing a model: its name here, and where it is.
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { errata } from '../../api/client.ts';
import { Field } from '../../parts/field.tsx';
import { Problem } from '../../parts/problem.tsx';

export function ImportModel() {
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [path, setPath] = useState('');
  const begin = useMutation({
    mutationFn: () => errata.models.import({ name, path: path.trim() }),
    onSuccess: (job) => void navigate({ to: '/jobs/$job', params: { job: job.id } }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    begin.mutate();
  };
  return (
    <form className="card stack" onSubmit={submit}>
      <h2>Import a model</h2>
      <Field label="Name" hint="What clients will ask for">
        <input
          value={name}
          required
          maxLength={64}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          onChange={({ target }) => setName(target.value)}
        />
      </Field>
      <Field
        label="Where it is"
        hint="On the worker’s machine a directory in Hugging Face layout, a GGUF file or a LoRA adapter’s directory; or hf:ORG/NAME"
      >
        <input
          value={path}
          required
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          onChange={({ target }) => setPath(target.value)}
        />
      </Field>
      <Problem error={begin.error} />
      <div className="row">
        <button
          type="submit"
          className="button primary"
          disabled={name === '' || path.trim() === '' || begin.isPending}
        >
          Import
        </button>
      </div>
    </form>
  );
}
