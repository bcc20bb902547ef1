// Judge: candidates that wait for a decision, and those that were turned down.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../root.ts';

export const judgeRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/judge',
  component: lazyRouteComponent(() => import('./judge.tsx'), 'Judge'),
  staticData: { title: 'Judge', nav: { label: 'Judge', hint: 'approve or reject' } },
});
