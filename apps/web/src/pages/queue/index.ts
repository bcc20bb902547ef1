// Watch, as a whole: how much waits, who works at what, and why work ended badly.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { oneOf } from '../../parts/search.ts';
import { rootRoute } from '../../root.ts';
import { spans } from './spans.ts';

interface QueueSearch {
  /** Seven days when left out. */
  readonly days?: (typeof spans)[number] | undefined;
}

export const queueRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/queue',
  validateSearch: (search: Record<string, unknown>): QueueSearch => ({ days: oneOf(spans, String(search.days)) }),
  component: lazyRouteComponent(() => import('./queue.tsx'), 'Queue'),
  staticData: { title: 'Queue and workers', within: '/jobs' },
});
