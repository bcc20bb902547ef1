// Lists that come in pages: the first at once, the others as they are asked for.
import type { Paged } from '@errata/sdk';
import { type InfiniteData, type UseInfiniteQueryOptions, useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';

type Page<T> = Awaited<ReturnType<Paged<T>['page']>>;
type Options<T> = UseInfiniteQueryOptions<
  Page<T>,
  Error,
  InfiniteData<Page<T>>,
  readonly unknown[],
  string | undefined
>;

/** Of lists that may be of thousands of pages: what was read is not read again while they are looked at. */
export const onceRead = { staleTime: Number.POSITIVE_INFINITY, gcTime: 0 } as const;

/**
 * What has come of a list so far.
 * @param list asks for it; called anew for every page
 */
export function usePages<T>(
  queryKey: readonly unknown[],
  list: () => Paged<T>,
  options: Pick<Options<T>, 'refetchInterval' | 'enabled' | 'staleTime' | 'gcTime'> = {},
) {
  const found = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }: { readonly pageParam: string | undefined }) => list().page(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    ...options,
  });
  const { data } = found;
  const items = useMemo(() => data?.pages.flatMap((page) => page.data) ?? [], [data]);
  return { found, items };
}
