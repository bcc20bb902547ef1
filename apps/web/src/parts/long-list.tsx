// A list of any length: only what is looked at stands in the page, and what is missing is fetched as its end comes near.
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';

interface LongListProps<T> {
  readonly label: string;
  readonly className: string;
  readonly items: readonly T[];
  readonly keyOf: (item: T) => string;
  /** How high a row is before it is seen, in pixels. */
  readonly estimate: number;
  /** Where the other pages come from. */
  readonly of: {
    readonly hasNextPage: boolean;
    readonly isFetchingNextPage: boolean;
    readonly isFetchNextPageError: boolean;
    readonly fetchNextPage: () => Promise<unknown>;
  };
  readonly children: (item: T, index: number) => ReactNode;
}

/** Rows from the end at which the next page is asked for. */
const ahead = 50;

export function LongList<T>({ label, className, items, keyOf, estimate, of, children }: LongListProps<T>) {
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => setTop((list.current?.getBoundingClientRect().top ?? 0) + window.scrollY), []);
  const rows = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => estimate,
    getItemKey: (index) => keyOf(items[index]!),
    overscan: 10,
    scrollMargin: top,
  });
  const shown = rows.getVirtualItems();
  const last = shown.at(-1);
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = of;
  const isNear = last !== undefined && last.index >= items.length - ahead;
  useEffect(() => {
    if (isNear && hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [isNear, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  const above = (shown[0]?.start ?? top) - top;
  const below = rows.getTotalSize() - ((last?.end ?? top) - top);
  return (
    <ul
      ref={list}
      className={className}
      aria-label={label}
      style={{ paddingBlockStart: above, paddingBlockEnd: Math.max(0, below) }}
    >
      {shown.map(({ index, key }) => (
        <li
          key={key}
          data-index={index}
          ref={rows.measureElement}
          aria-posinset={index + 1}
          aria-setsize={hasNextPage ? -1 : items.length}
        >
          {children(items[index]!, index)}
        </li>
      ))}
    </ul>
  );
}
