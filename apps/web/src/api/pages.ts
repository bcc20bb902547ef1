// Lists that come in pages: the first at once, the others as they are asked for.
import type { Paged } from '@errata/sdk';
import { type InfiniteData, type UseInfiniteQueryOptions, useInfiniteQuery } from '@tanstack/react-query';

type Page<T> = Awaited<ReturnType<Paged<T>['page']>>;
type Options<T> = UseInfiniteQueryOptions<
  Page<T>,
  Error,
  InfiniteData<Page<T>>,
  readonly unknown[],
  string | undefined
>;

/**
 * What has come of a list so far.
 * @param list asks for it; called anew for every page
 */
export function usePages<T>(
  queryKey: readonly unknown[],
  list: () => Paged<T>,
  options: Pick<Options<T>, 'refetchInterval' | 'enabled'> = {},
) {
  const found = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }: { readonly pageParam: string | undefined }) => list().page(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    ...options,
  });
  return { found, items: found.data?.pages.flatMap(({ data }) => data) ?? [] };
}
