// The root of all pages: the model and the branch that they are about, in every address.
import type { Scope } from '@errata/contracts';
import { createRootRoute, retainSearchParams } from '@tanstack/react-router';
import { text } from './parts/search.ts';

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    /** What the page is called, above it and in the browser's title. */
    readonly title: string;
    /** Its place in the navigation, with what people do there; pages that are reached from others have none. */
    readonly nav?: { readonly label: string; readonly hint: string };
    /** The page of the navigation that it belongs to, by its path, where it has no place of its own. */
    readonly within?: string;
    /** What a key must have for the page to be of use. */
    readonly needs?: Scope;
  }
}

export interface Where {
  /** Name of a model; the first one when left out. */
  readonly model?: string | undefined;
  /** Name of a branch of it; `main` when left out. */
  readonly branch?: string | undefined;
}

export const rootRoute = createRootRoute({
  validateSearch: (search: Record<string, unknown>): Where => ({
    model: text(search.model),
    branch: text(search.branch),
  }),
  search: { middlewares: [retainSearchParams(['model', 'branch'])] },
  staticData: { title: 'Errata' },
});
