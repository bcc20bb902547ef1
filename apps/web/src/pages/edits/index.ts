// Every edit that was ever asked for, searched by what it says, by whom and when.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { text } from '../../parts/search.ts';
import { rootRoute } from '../../root.ts';

interface EditsSearch {
  /** Occurs in the prompt, the subject or the new answer. */
  readonly text?: string | undefined;
  /** Name or id of the key that asked for it. */
  readonly by?: string | undefined;
  /** Days of the viewer's calendar, `2026-11-29`: the first and the last. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export const editsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/edits',
  validateSearch: (search: Record<string, unknown>): EditsSearch => ({
    text: text(search.text),
    by: text(search.by),
    from: text(search.from),
    to: text(search.to),
  }),
  component: lazyRouteComponent(() => import('./edits.tsx'), 'Edits'),
  staticData: { title: 'Edits', nav: { label: 'Find', hint: 'any edit, by words or author' } },
});
