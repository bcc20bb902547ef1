// A new webhook: its address, what it is told, and of which model. The secret that messages are signed with is shown once.
import { type CreatedWebhook, type WebhookEvent, webhookEvents } from '@errata/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { Field } from '../../parts/field.tsx';
import { Problem } from '../../parts/problem.tsx';
import { eventWords } from './events.ts';
import { MadeSecret } from './made-secret.tsx';

export function NewWebhook() {
  const queries = useQueryClient();
  const { models } = useWhere();
  const [url, setUrl] = useState('');
  const [events, setEvents] = useState<readonly WebhookEvent[]>(webhookEvents);
  const [model, setModel] = useState('');
  const [description, setDescription] = useState('');
  const [made, setMade] = useState<CreatedWebhook | null>(null);
  const make = useMutation({
    mutationFn: () =>
      errata.webhooks.create({
        url: url.trim(),
        events: [...events],
        ...(model === '' ? {} : { model }),
        ...(description.trim() === '' ? {} : { description: description.trim() }),
      }),
    onSuccess: async (webhook) => {
      setMade(webhook);
      setUrl('');
      setDescription('');
      await queries.invalidateQueries({ queryKey: ['webhooks'] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  const toggle = (event: WebhookEvent) =>
    setEvents(events.includes(event) ? events.filter((other) => other !== event) : [...events, event]);
  return (
    <form className="card stack" onSubmit={submit}>
      <h2>Make a webhook</h2>
      <Field label="Address" hint="https, and http only to addresses that whoever runs the service has named">
        <input
          type="url"
          value={url}
          required
          maxLength={2000}
          autoComplete="off"
          spellCheck={false}
          placeholder="https://"
          onChange={({ target }) => setUrl(target.value)}
        />
      </Field>
      <fieldset className="choices stack tight">
        <legend className="label">It is told when</legend>
        {webhookEvents.map((event) => (
          <label key={event} className="check">
            <input type="checkbox" checked={events.includes(event)} onChange={() => toggle(event)} />
            <span>
              {eventWords[event]} <code className="small soft">{event}</code>
            </span>
          </label>
        ))}
      </fieldset>
      <Field label="Of">
        <select value={model} onChange={({ target }) => setModel(target.value)}>
          <option value="">every model</option>
          {models.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </Field>
      <Field label="What it is for" hint="Optional">
        <input value={description} maxLength={1000} onChange={({ target }) => setDescription(target.value)} />
      </Field>
      <Problem error={make.error} />
      <div className="row">
        <button
          type="submit"
          className="button primary"
          disabled={url.trim() === '' || events.length === 0 || make.isPending}
        >
          Make the webhook
        </button>
      </div>
      {made !== null && <MadeSecret of={made} onClose={() => setMade(null)} />}
    </form>
  );
}
