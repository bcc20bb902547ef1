// Watch, ahead: when the inboxes of branches become batches.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { flag } from '../../parts/search.ts';
import { rootRoute } from '../../root.ts';

interface SchedulesSearch {
  /** Whether the form of a new one is open. */
  readonly making?: true | undefined;
}

export const schedulesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/schedules',
  validateSearch: (search: Record<string, unknown>): SchedulesSearch => ({ making: flag(search.making) }),
  component: lazyRouteComponent(() => import('./schedules.tsx'), 'Schedules'),
  staticData: { title: 'Schedules', within: '/jobs' },
});
