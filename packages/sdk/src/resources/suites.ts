// Suites: cases that are stored under a name.
import type { StoredSuiteCase, SuiteRequest, SuiteResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export const suites = ({ get, post, list }: Caller) => ({
  /** Stores cases under a name; they never change. */
  create: (request: SuiteRequest, call?: CallOptions) => post<SuiteResource>('/v1/suites', request, call),
  list: (query: PageQuery = {}) => list<SuiteResource>('/v1/suites', { ...query }),
  get: (suite: string, call?: CallOptions) => get<SuiteResource>(at`/v1/suites/${suite}`, call),
  cases: (suite: string, query: PageQuery = {}) => list<StoredSuiteCase>(at`/v1/suites/${suite}/cases`, { ...query }),
});
