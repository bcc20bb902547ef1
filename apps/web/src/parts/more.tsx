// The way to the next page of a list, where there is one.
import type { ReactNode } from 'react';

interface MoreProps {
  readonly of: {
    readonly hasNextPage: boolean;
    readonly isFetchingNextPage: boolean;
    readonly fetchNextPage: () => Promise<unknown>;
  };
  readonly children: ReactNode;
}

export function More({ of, children }: MoreProps) {
  if (!of.hasNextPage) return null;
  return (
    <button type="button" className="button" disabled={of.isFetchingNextPage} onClick={() => void of.fetchNextPage()}>
      {children}
    </button>
  );
}
