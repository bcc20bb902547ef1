// Run it: API keys and what each may do.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../root.ts';

export const keysRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/keys',
  component: lazyRouteComponent(() => import('./keys.tsx'), 'Keys'),
  staticData: { title: 'Keys', within: '/upkeep' },
});
