// What serves: aliases with every move that they made, one click back, and tags.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../root.ts';

export const namesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/names',
  component: lazyRouteComponent(() => import('./names.tsx'), 'Names'),
  staticData: { title: 'Aliases and tags', nav: { label: 'Serve', hint: 'aliases, tags' } },
});
