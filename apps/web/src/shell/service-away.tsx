// A line above the page while the service cannot do its work, with what is missing; gone when it is back.
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { errata } from '../api/client.ts';

const readyQuery = queryOptions({
  queryKey: ['ready'],
  queryFn: ({ signal }) => errata.ready({ signal }),
  refetchInterval: ({ state }) => (state.data === false ? 2000 : 15_000),
});

export function ServiceAway() {
  const { data: ready } = useQuery(readyQuery);
  const queries = useQueryClient();
  const was = useRef(true);
  useEffect(() => {
    if (ready === undefined) return;
    // What was asked in vain meanwhile is asked again.
    if (ready && !was.current) void queries.invalidateQueries();
    was.current = ready;
  }, [ready, queries]);
  return (
    <div aria-live="polite">
      {ready === false && (
        <p className="note warn">
          The service is not ready: it cannot be reached, or its database, its queue or its workers are away. This page
          goes on by itself when they are back.
        </p>
      )}
    </div>
  );
}
