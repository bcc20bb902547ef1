// Run it: projects with what each has used of what it may, and one of them with who is in it.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../../root.ts';

export const projectsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/projects',
  component: lazyRouteComponent(() => import('./projects.tsx'), 'Projects'),
  staticData: { title: 'Projects', within: '/upkeep' },
});

export const projectRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/projects/$project',
  component: lazyRouteComponent(() => import('./project.tsx'), 'Project'),
  staticData: { title: 'Project', within: '/upkeep' },
});
