// Compare: evaluations of versions and of editors, by themselves and beside one another.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { text } from '../../parts/search.ts';
import { rootRoute } from '../../root.ts';

interface CompareSearch {
  /** Ids of the evaluations that are looked at, with commas between. */
  readonly ids?: string | undefined;
}

export const compareRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/compare',
  validateSearch: (search: Record<string, unknown>): CompareSearch => ({ ids: text(search.ids) }),
  component: lazyRouteComponent(() => import('./compare.tsx'), 'Compare'),
  staticData: { title: 'Compare', nav: { label: 'Compare', hint: 'editors, evaluations' } },
});
