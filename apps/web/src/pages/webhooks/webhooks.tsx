// Webhooks: each with what can be done about it, a form for another, and the log of what one was told.
import { getRouteApi } from '@tanstack/react-router';
import { errata } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useSession } from '../../api/session.ts';
import { Empty } from '../../parts/empty.tsx';
import { More } from '../../parts/more.tsx';
import { Problem } from '../../parts/problem.tsx';
import { UpkeepTabs } from '../../parts/upkeep-tabs.tsx';
import { Deliveries } from './deliveries.tsx';
import { NewWebhook } from './new-webhook.tsx';
import { Webhook } from './webhook.tsx';

const route = getRouteApi('/webhooks');

export function Webhooks() {
  const { may } = useSession();
  return (
    <div className="stack">
      <h1>Webhooks</h1>
      <UpkeepTabs />
      {may('admin') ? <All /> : <p className="soft">To see and to make webhooks takes a key with the scope admin.</p>}
    </div>
  );
}

function All() {
  const { webhook: chosen } = route.useSearch();
  const { found, items: webhooks } = usePages(['webhooks'], () => errata.webhooks.list({ limit: 50 }));
  const looked = webhooks.find(({ id }) => id === chosen);
  return (
    <>
      <Problem error={found.error} />
      {found.isSuccess && webhooks.length === 0 && (
        <Empty title="Nobody is told yet">
          <p>
            A webhook is an address of yours that is told when a job ends, a gate refuses, a branch moves or a schedule
            is missed: a chat, a pager, a pipeline. Give one below.
          </p>
        </Empty>
      )}
      {webhooks.length > 0 && (
        <ul className="plain stack" aria-label="Webhooks">
          {webhooks.map((webhook) => (
            <Webhook key={webhook.id} of={webhook} />
          ))}
        </ul>
      )}
      <More of={found}>More webhooks</More>
      {looked !== undefined && <Deliveries key={looked.id} of={looked} />}
      <NewWebhook />
    </>
  );
}
