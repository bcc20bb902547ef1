// A new schedule: its name, and when it runs, told at once in the viewer's time.
import { complainOfCron, nextDue } from '@errata/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { errata } from '../../api/client.ts';
import { Field } from '../../parts/field.tsx';
import { Problem } from '../../parts/problem.tsx';

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' });
const usual: Readonly<Record<string, string>> = {
  '0 3 * * *': 'every night at 3',
  '0 * * * *': 'every hour',
  '0 3 * * 1': 'every Monday at 3',
  '': 'only by number',
};
const own = 'own';

export function NewSchedule({ model, branch }: { readonly model: string; readonly branch: string }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [choice, setChoice] = useState('0 3 * * *');
  const [ownCron, setOwnCron] = useState('30 2 * * 1-5');
  const [pending, setPending] = useState('');
  const [size, setSize] = useState('100');
  const time_zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const cron = choice === own ? ownCron.trim() : choice;
  const fault = cron === '' ? null : complainOfCron({ pattern: cron, time_zone });
  const next = cron === '' || fault !== null ? null : nextDue({ pattern: cron, time_zone }, new Date());
  const make = useMutation({
    mutationFn: () =>
      errata.schedules.create({
        name,
        model,
        branch,
        cron: cron === '' ? null : cron,
        time_zone,
        when_pending: pending === '' ? null : Number(pending),
        batch_size: Number(size),
      }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['schedules'] });
      void navigate({ from: '/schedules', search: (now) => ({ ...now, making: undefined }) });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  const ready = name !== '' && fault === null && (cron !== '' || pending !== '') && Number(size) >= 1;
  return (
    <form className="card stack" onSubmit={submit}>
      <h2>
        For the inbox of {branch}, {model}
      </h2>
      <Field label="Name">
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
      <Field label="Runs" hint={next === null ? undefined : `In ${time_zone}; next on ${exact.format(next)}`}>
        <select value={choice} onChange={({ target }) => setChoice(target.value)}>
          {Object.entries(usual).map(([pattern, words]) => (
            <option key={pattern} value={pattern}>
              {words}
            </option>
          ))}
          <option value={own}>by a cron expression</option>
        </select>
      </Field>
      {choice === own && (
        <Field label="Cron" fault={fault ?? undefined} hint="Minute, hour, day, month, weekday">
          <input
            value={ownCron}
            maxLength={200}
            spellCheck={false}
            onChange={({ target }) => setOwnCron(target.value)}
          />
        </Field>
      )}
      <Field label="Or as soon as so many edits wait" hint="Leave it empty to go by the clock alone">
        <input type="number" min={1} value={pending} onChange={({ target }) => setPending(target.value)} />
      </Field>
      <Field label="Edits in one batch at most">
        <input type="number" min={1} required value={size} onChange={({ target }) => setSize(target.value)} />
      </Field>
      <Problem error={make.error} />
      <div className="row">
        <button type="submit" className="button primary" disabled={!ready || make.isPending}>
          Create the schedule
        </button>
      </div>
    </form>
  );
}
