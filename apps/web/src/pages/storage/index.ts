// Run it: how much is stored, of what, how much room is left, and what nothing needs any more.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { text } from '../../parts/search.ts';
import { rootRoute } from '../../root.ts';

interface StorageSearch {
  /** The check or collection that is looked at. */
  readonly job?: string | undefined;
}

export const storageRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/storage',
  validateSearch: (search: Record<string, unknown>): StorageSearch => ({ job: text(search.job) }),
  component: lazyRouteComponent(() => import('./storage.tsx'), 'Storage'),
  staticData: { title: 'Storage', within: '/upkeep' },
});
