// Run it: whether all that the service needs is there, and what was done for its safety.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../root.ts';

export const healthRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/health',
  component: lazyRouteComponent(() => import('./health.tsx'), 'Health'),
  staticData: { title: 'Health', within: '/upkeep' },
});
