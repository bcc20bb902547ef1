// Run it: addresses that are told what happens, and what they were told.
import { type DeliveryState, deliveryStates } from '@errata/contracts';
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { oneOf, text } from '../../parts/search.ts';
import { rootRoute } from '../../root.ts';

interface WebhooksSearch {
  /** Id of the one whose deliveries are looked at. */
  readonly webhook?: string | undefined;
  /** Of deliveries; all when left out. */
  readonly state?: DeliveryState | undefined;
}

export const webhooksRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/webhooks',
  validateSearch: (search: Record<string, unknown>): WebhooksSearch => ({
    webhook: text(search.webhook),
    state: oneOf(deliveryStates, search.state),
  }),
  component: lazyRouteComponent(() => import('./webhooks.tsx'), 'Webhooks'),
  staticData: { title: 'Webhooks', within: '/upkeep' },
});
