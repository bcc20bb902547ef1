// Correct: one edit in a form, or many in a table.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { oneOf, text } from '../../parts/search.ts';
import { rootRoute } from '../../root.ts';

interface CorrectSearch {
  readonly how?: 'many' | undefined;
  /** What the form is filled with, by whoever linked here. */
  readonly prompt?: string | undefined;
  readonly subject?: string | undefined;
  /** The wrong answer, as a model gave it. */
  readonly was?: string | undefined;
}

export const correctRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/correct',
  validateSearch: (search: Record<string, unknown>): CorrectSearch => ({
    how: oneOf(['many'], search.how),
    prompt: text(search.prompt),
    subject: text(search.subject),
    was: text(search.was),
  }),
  component: lazyRouteComponent(() => import('./correct.tsx'), 'Correct'),
  staticData: { title: 'Correct', nav: { label: 'Correct', hint: 'one edit or many' } },
});
