// Watch: jobs as they go, and one of them in full.
import { type JobKind, type JobState, jobKinds, jobStates } from '@errata/contracts';
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { flag, oneOf } from '../../parts/search.ts';
import { rootRoute } from '../../root.ts';

interface JobsSearch {
  readonly kind?: JobKind | undefined;
  readonly state?: JobState | undefined;
  /** Only of the model and branch that the page is about. */
  readonly here?: true | undefined;
}

export const jobsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/jobs',
  validateSearch: (search: Record<string, unknown>): JobsSearch => ({
    kind: oneOf(jobKinds, search.kind),
    state: oneOf(jobStates, search.state),
    here: flag(search.here),
  }),
  component: lazyRouteComponent(() => import('./jobs.tsx'), 'Jobs'),
  staticData: { title: 'Jobs', nav: { label: 'Watch', hint: 'jobs, live' } },
});

export const jobRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/jobs/$job',
  component: lazyRouteComponent(() => import('./job.tsx'), 'Job'),
  staticData: { title: 'Job' },
});
