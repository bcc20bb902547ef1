// Run it: the models and where they came from, and imports.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../root.ts';

export const upkeepRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/upkeep',
  component: lazyRouteComponent(() => import('./upkeep.tsx'), 'Upkeep'),
  staticData: { title: 'Models', nav: { label: 'Run it', hint: 'models, storage, health, keys' } },
});
