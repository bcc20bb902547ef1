// One webhook: whom it tells what, and what can be done about it.
import type { CreatedWebhook, WebhookResource } from '@errata/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { Problem } from '../../parts/problem.tsx';
import { When } from '../../parts/when.tsx';
import { eventWords } from './events.ts';
import { MadeSecret } from './made-secret.tsx';
import { ReplaceSecret } from './replace-secret.tsx';

const route = getRouteApi('/webhooks');

export function Webhook({ of }: { readonly of: WebhookResource }) {
  const { id, url, events, model_id, description, enabled, disabled_reason, previous_secret_ends_at, created_at } = of;
  const { webhook: chosen } = route.useSearch();
  const { models } = useWhere();
  const model = models.find((each) => each.model_id === model_id)?.name ?? model_id;
  return (
    <li className="card stack tight">
      <div className="row spread">
        <h2 className="grow">{new URL(url).host}</h2>
        <span className={`badge ${enabled ? 'good' : disabled_reason === null ? '' : 'bad'}`}>
          {enabled ? 'active' : disabled_reason === null ? 'paused' : 'stopped by the service'}
        </span>
      </div>
      <p>
        <code>{url}</code>
        {description !== null && description !== '' && <span className="soft"> {description}</span>}
      </p>
      <p className="small soft">
        Told when {events.map((event) => eventWords[event] ?? event).join(', or ')};{' '}
        {model_id === null ? 'of every model' : `of ${model}`}; made <When at={created_at} />.
        {previous_secret_ends_at !== null && (
          <>
            {' '}
            The secret before this one ends <When at={previous_secret_ends_at} />.
          </>
        )}
      </p>
      {disabled_reason !== null && <p className="note bad">{disabled_reason}</p>}
      <div className="row">
        <Link
          to="/webhooks"
          search={(now) => ({ ...now, webhook: chosen === id ? undefined : id, state: undefined })}
          className="button"
          aria-expanded={chosen === id}
        >
          What it was told
        </Link>
        <Actions of={of} />
      </div>
    </li>
  );
}

/** What is done to a webhook: each its button. */
function Actions({ of }: { readonly of: WebhookResource }) {
  const { id, url, enabled } = of;
  const queries = useQueryClient();
  const navigate = route.useNavigate();
  const [asked, setAsked] = useState<'delete' | 'secret' | null>(null);
  const [made, setMade] = useState<CreatedWebhook | null>(null);
  const { host } = new URL(url);
  const changed = () => queries.invalidateQueries({ queryKey: ['webhooks'] });
  const change = useMutation({
    mutationFn: () => errata.webhooks.change(id, { enabled: !enabled }),
    onSuccess: changed,
  });
  const test = useMutation({
    mutationFn: () => errata.webhooks.test(id),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['deliveries', id] });
      await navigate({ search: (now) => ({ ...now, webhook: id, state: undefined }) });
    },
  });
  return (
    <>
      <button type="button" className="button" disabled={test.isPending} onClick={() => test.mutate()}>
        Send a test
      </button>
      <button type="button" className="button" disabled={change.isPending} onClick={() => change.mutate()}>
        {enabled ? 'Pause' : 'Go on'}
      </button>
      <button type="button" className="button" onClick={() => setAsked('secret')}>
        Another secret
      </button>
      <button type="button" className="button danger" onClick={() => setAsked('delete')}>
        Delete
      </button>
      <Problem error={change.error ?? test.error} />
      {asked === 'secret' && (
        <ReplaceSecret
          of={of}
          onClose={() => setAsked(null)}
          onMade={(webhook) => {
            setAsked(null);
            setMade(webhook);
          }}
        />
      )}
      {made !== null && <MadeSecret of={made} onClose={() => setMade(null)} />}
      {asked === 'delete' && (
        <Confirm
          title={`Delete the webhook to ${host}?`}
          name={host}
          action="Delete the webhook"
          onClose={() => setAsked(null)}
          onConfirm={async () => {
            await errata.webhooks.delete(id);
            await navigate({ search: (now) => ({ ...now, webhook: undefined, state: undefined }) });
            await changed();
          }}
        >
          <p>
            It is told nothing more; what waits for it is dropped, and the log of what it was told goes with it. To send
            nothing for a while, pause it instead: what happens meanwhile is not told, and what waited is.
          </p>
        </Confirm>
      )}
    </>
  );
}
