// Trace back: the moves of a branch, and every version of the model with what each was made from.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { oneOf } from '../../parts/search.ts';
import { rootRoute } from '../../root.ts';

interface HistorySearch {
  /** The moves of the branch when left out. */
  readonly view?: 'versions' | undefined;
}

export const historyRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/history',
  validateSearch: (search: Record<string, unknown>): HistorySearch => ({ view: oneOf(['versions'], search.view) }),
  component: lazyRouteComponent(() => import('./history.tsx'), 'History'),
  staticData: { title: 'History', nav: { label: 'Trace back', hint: 'versions and moves' } },
});
