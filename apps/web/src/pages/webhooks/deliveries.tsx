// What a webhook was told: every message with how it was taken, and sending it once more.
import { type DeliveryResource, type DeliveryState, deliveryStates, type WebhookResource } from '@errata/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { whileMoving } from '../../api/queries.ts';
import { duration } from '../../parts/duration.ts';
import { Field } from '../../parts/field.tsx';
import { More } from '../../parts/more.tsx';
import { Problem } from '../../parts/problem.tsx';
import { When } from '../../parts/when.tsx';

const route = getRouteApi('/webhooks');
const looks: Readonly<Record<DeliveryState, readonly [words: string, tone: string]>> = {
  pending: ['waits', 'live'],
  delivered: ['taken', 'good'],
  failed: ['given up', 'bad'],
};

export function Deliveries({ of: { id, url } }: { readonly of: WebhookResource }) {
  const { state } = route.useSearch();
  const navigate = route.useNavigate();
  const { found, items: deliveries } = usePages(
    ['deliveries', id, state],
    () => errata.webhooks.deliveries(id, { limit: 20, ...(state === undefined ? {} : { state: [state] }) }),
    { refetchInterval: whileMoving },
  );
  return (
    <section className="stack tight" aria-label="Deliveries">
      <div className="row spread">
        <h2>What {new URL(url).host} was told</h2>
        <Field label="Only">
          <select
            value={state ?? ''}
            onChange={({ target }) =>
              void navigate({
                search: (now) => ({ ...now, state: deliveryStates.find((each) => each === target.value) }),
              })
            }
          >
            <option value="">everything</option>
            {deliveryStates.map((each) => (
              <option key={each} value={each}>
                {looks[each][0]}
              </option>
            ))}
          </select>
        </Field>
      </div>
      <Problem error={found.error} />
      {found.isSuccess && deliveries.length === 0 && (
        <p className="card soft">
          {state === undefined ? 'Nothing has happened since it was made. Send a test to try it.' : 'No such message.'}
        </p>
      )}
      {deliveries.length > 0 && (
        <ul className="plain stack tight">
          {deliveries.map((delivery) => (
            <Delivery key={delivery.id} of={delivery} />
          ))}
        </ul>
      )}
      <More of={found}>Earlier messages</More>
    </section>
  );
}

function Delivery({ of }: { readonly of: DeliveryResource }) {
  const { id, webhook_id, state, message, attempts, next_attempt_at, created_at, log } = of;
  const queries = useQueryClient();
  const replay = useMutation({
    mutationFn: () => errata.webhooks.replay(webhook_id, id),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['deliveries', webhook_id] }),
  });
  const [words, tone] = looks[state];
  const [last] = log;
  return (
    <li className="card stack tight">
      <div className="row">
        <span className={`badge ${tone}`}>{words}</span>
        <strong className="grow">{message.type}</strong>
        <span className="small soft">
          <When at={created_at} />
          {attempts > 1 && `, tried ${attempts} times`}
          {next_attempt_at !== null && attempts > 0 && (
            <>
              , again <When at={next_attempt_at} />
            </>
          )}
        </span>
        {state !== 'pending' && (
          <button
            type="button"
            className="button small"
            disabled={replay.isPending}
            aria-label={`Send it once more: ${message.type}`}
            onClick={() => replay.mutate()}
          >
            Send it once more
          </button>
        )}
      </div>
      {state !== 'delivered' && last?.error != null && <p className="small">{last.error}</p>}
      <Problem error={replay.error} />
      <details>
        <summary>The message and its attempts</summary>
        <div className="stack tight">
          <pre>{JSON.stringify(message, null, 2)}</pre>
          <ol className="plain stack tight">
            {log.map(({ attempt, started_at, ms, status, error }) => (
              <li key={attempt} className="small">
                {attempt}. <When at={started_at} />: {status === null ? 'no answer' : `answered ${status}`} in{' '}
                {duration(ms)}
                {error !== null && <span className="soft">; {error}</span>}
              </li>
            ))}
          </ol>
          <p className="small soft">
            <code>{id}</code>
          </p>
        </div>
      </details>
    </li>
  );
}
