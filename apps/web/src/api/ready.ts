// Whether the service can do its work: asked now and then, and at once when something could not be asked.
import { queryOptions } from '@tanstack/react-query';
import { errata } from './client.ts';

const longestMs = 5000;

export const readyQuery = queryOptions({
  queryKey: ['ready'],
  // One that answers nothing at all is as far away as one that is gone.
  queryFn: ({ signal }) => errata.ready({ signal: AbortSignal.any([signal, AbortSignal.timeout(longestMs)]) }),
  refetchInterval: ({ state }) => (state.data === true && state.error === null ? 15_000 : 2000),
});
