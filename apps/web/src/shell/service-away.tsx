// A line above the page while the service cannot do its work, with what is missing; gone when it is back.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { readyQuery } from '../api/ready.ts';

export function ServiceAway() {
  const { data, error } = useQuery(readyQuery);
  const ready = error === null ? data : false;
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
