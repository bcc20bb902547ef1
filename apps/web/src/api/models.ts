// The models, and the one that a page is about, as its address says.
import { queryOptions, useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import type { Where } from '../root.ts';
import { errata } from './client.ts';

/** Every name that can be asked: models, and their branches, aliases and tags. */
const namesQuery = queryOptions({
  queryKey: ['models'],
  queryFn: () => errata.models.list({ limit: 100 }).all(),
});

export function useWhere() {
  const { data: names = [], isPending, error } = useQuery(namesQuery);
  const wanted = useSearch({ strict: false }) as Where;
  const models = names.filter(({ id, name }) => id === name);
  const found =
    models.find(({ name }) => name === wanted.model) ?? (wanted.model === undefined ? models[0] : undefined);
  const branches = found?.branches.map(({ name }) => name) ?? [];
  return {
    isPending,
    error,
    models,
    names,
    branches,
    resource: found,
    /** Undefined while nothing is known, and where there is no such model. */
    model: found?.name,
    branch:
      branches.find((name) => name === wanted.branch) ?? (branches.includes('main') ? 'main' : branches[0]) ?? 'main',
  };
}
