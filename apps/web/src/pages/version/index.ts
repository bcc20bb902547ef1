// One version: what it is made of, what it changed, how it did, and what can be done with it.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../root.ts';

export const versionRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/versions/$version',
  component: lazyRouteComponent(() => import('./version.tsx'), 'Version'),
  staticData: { title: 'Version', within: '/history' },
});
