// The dashboard's beginning: who is signed in, then the page that the address names.
import { ErrataError } from '@errata/contracts';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createQueries } from './api/queries.ts';
import { router } from './router.tsx';
import { App } from './shell/app.tsx';
import './style/tokens.css';
import './style/base.css';
import './style/parts.css';
import './style/shell.css';

const place = document.getElementById('app');
if (place === null) throw new Error('the page has no place for the application');
// The page's own code comes while the service is asked who is there.
for (const { routeId } of router.matchRoutes(router.latestLocation))
  void router.loadRouteChunk(router.routesById[routeId as keyof typeof router.routesById]);
// What the service refused is told on the page; only faults of our own are for the console.
const onCaughtError = (error: unknown) => {
  if (!(error instanceof ErrataError)) console.error(error);
};
createRoot(place, { onCaughtError }).render(
  <StrictMode>
    <QueryClientProvider client={createQueries()}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
