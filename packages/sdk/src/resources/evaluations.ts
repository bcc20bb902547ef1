// Evaluations: a version, or an editor, put to a suite of cases.
import type { CaseResult, EvaluationRequest, EvaluationResource, JobResource, JobState } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export interface EvaluationQuery extends PageQuery {
  readonly state?: JobState | undefined;
  /** Model name or id. */
  readonly model?: string | undefined;
  readonly branch?: string | undefined;
  /** A whole version id. */
  readonly version?: string | undefined;
}

export interface RowQuery extends PageQuery {
  readonly outcome?: CaseResult['outcome'] | undefined;
  /** Only cases whose answer differs between the two versions, or only those whose does not. */
  readonly changed?: boolean | undefined;
}

export const evaluations = ({ get, post, list, send }: Caller) => ({
  /** Queues an evaluation; follow it as the job that it is, by `jobs.wait`. */
  create: (request: EvaluationRequest, call?: CallOptions) => post<JobResource>('/v1/evaluations', request, call),
  list: (query: EvaluationQuery = {}) => list<EvaluationResource>('/v1/evaluations', { ...query }),
  get: (id: string, call?: CallOptions) => get<EvaluationResource>(at`/v1/evaluations/${id}`, call),
  /** What each case found, in order, as far as it has come. */
  rows: (id: string, { changed, ...query }: RowQuery = {}) =>
    list<CaseResult>(at`/v1/evaluations/${id}/rows`, {
      ...query,
      ...(changed === undefined ? {} : { changed: String(changed) }),
    }),
  /** All rows as CSV. */
  async csv(id: string, call: CallOptions = {}): Promise<string> {
    const response = await send('GET', at`/v1/evaluations/${id}/rows`, { ...call, accept: 'text/csv' });
    return response.text();
  },
  /** The report as one page of HTML, once the evaluation is done. */
  async report(id: string, call: CallOptions = {}): Promise<string> {
    const path = at`/v1/evaluations/${id}/report`;
    return (await send('GET', path, { ...call, accept: 'text/html' })).text();
  },
});
