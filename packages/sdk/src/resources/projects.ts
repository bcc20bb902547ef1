// Projects: who shares models, and how much of the service they may use together.
import type { ProjectChange, ProjectRequest, ProjectResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export const projects = ({ get, post, list, json }: Caller) => ({
  list: (query: PageQuery = {}) => list<ProjectResource>('/v1/projects', { ...query }),
  /** By name or id, with what is used of its quotas now. */
  get: (project: string, call?: CallOptions) => get<ProjectResource>(at`/v1/projects/${project}`, call),
  create: (request: ProjectRequest, call?: CallOptions) => post<ProjectResource>('/v1/projects', request, call),
  /** Only what is given changes; a quota that is null is none. */
  change: (project: string, body: ProjectChange, call: CallOptions = {}) =>
    json<ProjectResource>('PATCH', at`/v1/projects/${project}`, { ...call, body }),
  /** Gives it a model, by name or id, which another one has had. */
  moveModel: (project: string, model: string, call: CallOptions = {}) =>
    json<ProjectResource>('PUT', at`/v1/projects/${project}/models/${model}`, call),
});
