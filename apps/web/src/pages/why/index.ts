// Causes: which edit made an answer (blame), and since which move it is wrong (bisect).
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { text } from '../../parts/search.ts';
import { rootRoute } from '../../root.ts';

interface WhySearch {
  /** Asked about, where nothing was found yet. */
  readonly prompt?: string | undefined;
  /** Jobs whose findings are shown. */
  readonly blame?: string | undefined;
  readonly bisect?: string | undefined;
}

export const whyRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/why',
  validateSearch: (search: Record<string, unknown>): WhySearch => ({
    prompt: text(search.prompt),
    blame: text(search.blame),
    bisect: text(search.bisect),
  }),
  component: lazyRouteComponent(() => import('./why.tsx'), 'Why'),
  staticData: { title: 'Why this answer', nav: { label: 'Why', hint: 'which edit, since when' } },
});
