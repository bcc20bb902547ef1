// The router: the pages under the frame, and links that the compiler checks.
import { createRouter } from '@tanstack/react-router';
import { pages } from './pages/index.ts';
import { rootRoute } from './root.ts';
import { PageFault, PageMissing } from './shell/page-fault.tsx';
import { Shell } from './shell/shell.tsx';

export const router = createRouter({
  routeTree: rootRoute.update({ component: Shell, staticData: { title: 'Errata' } }).addChildren(pages),
  defaultPreload: 'intent',
  defaultErrorComponent: PageFault,
  defaultNotFoundComponent: PageMissing,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
