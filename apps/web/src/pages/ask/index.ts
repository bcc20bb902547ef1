// Ask: a prompt put to one version or to two side by side.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { flag, text } from '../../parts/search.ts';
import { rootRoute } from '../../root.ts';

interface AskSearch {
  /** What was asked; asked again when the address is opened. */
  readonly prompt?: string | undefined;
  /** What is asked: a name or a version's id, as completions take it behind the model. The branch's head when left out. */
  readonly a?: string | undefined;
  /** What it is held against; nothing when left out. */
  readonly b?: string | undefined;
  /** Read as a turn of a conversation, by the model's chat template. */
  readonly chat?: true | undefined;
  /** Tokens of an answer, at most. */
  readonly tokens?: number | undefined;
}

export const askRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/ask',
  validateSearch: (search: Record<string, unknown>): AskSearch => ({
    prompt: text(search.prompt),
    a: text(search.a),
    b: text(search.b),
    chat: flag(search.chat),
    tokens: typeof search.tokens === 'number' ? Math.min(Math.max(Math.round(search.tokens), 1), 1024) : undefined,
  }),
  component: lazyRouteComponent(() => import('./ask.tsx'), 'Ask'),
  staticData: { title: 'Ask', nav: { label: 'Ask', hint: 'any version, side by side' } },
});
