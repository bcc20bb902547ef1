// The gate of a branch: what a candidate must meet, tried on recent batches before it is changed.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../root.ts';

export const gateRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/gate',
  component: lazyRouteComponent(() => import('./gate.tsx'), 'Gate'),
  staticData: { title: 'Gate', within: '/judge' },
});
