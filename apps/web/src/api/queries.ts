// The client of TanStack Query: what failed for a while is asked again, and a session that has ended is noticed.
import { ErrataError } from '@errata/contracts';
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { readyQuery } from './ready.ts';
import { sessionQuery } from './session.ts';

const isAway = (error: unknown): boolean =>
  error instanceof ErrataError && (error.code === 'unavailable' || error.code === 'timeout');

/** Milliseconds between looks at something that moves. */
export const whileMoving = 2000;

export function createQueries(): QueryClient {
  const notice = (error: unknown) => {
    if (isAway(error)) void queries.invalidateQueries(readyQuery);
    const ended = error instanceof ErrataError && error.code === 'unauthorized';
    if (ended && queries.getQueryData(sessionQuery.queryKey)?.key) void queries.resetQueries(sessionQuery);
  };
  const queries: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError: notice }),
    mutationCache: new MutationCache({ onError: notice }),
    defaultOptions: {
      queries: {
        // The client of the API has tried again already.
        retry: false,
        staleTime: 5000,
        // A service that went away is asked until it is back.
        refetchInterval: ({ state }) => (isAway(state.error) ? 3000 : false),
      },
      mutations: { retry: false },
    },
  });
  return queries;
}
