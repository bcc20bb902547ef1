// Callers that do not reach the whole service: whatever a request names, in its path, its query or its body, has to belong to what they reach.
import { ErrataError, type Scope, unmetNeed } from '@errata/contracts';
import type { Grant, OwnedKind, Owner } from '@errata/lineage';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { partsOfName } from '../requests/served-names.ts';
import { type Caller, callerOf, requireScope } from './auth.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * `any`: it need not be about one project or model, and then tells of none that is out of reach. `whole`: it takes who reaches the whole service.
     * Others are asked by what belongs to a model or a project.
     */
    reach?: 'any' | 'whole';
  }
  interface FastifyRequest {
    /**
     * Asks once more what let the request in: for answers that go on for long.
     * @throws ErrataError `unauthorized`, `missing_scope`, `model_out_of_reach`
     */
    checkAgain: () => Promise<void>;
  }
}

/** Finds what a thing belongs to; null where that is the whole service, or there is no such thing. */
export type FindOwner = (kind: OwnedKind, id: string) => Promise<Owner | null>;

/** What names things, in paths and bodies, and what is named by it. */
const namedBy: Readonly<Record<string, OwnedKind>> = {
  project: 'project',
  key: 'key',
  model: 'model',
  branch: 'branch',
  version: 'version',
  other: 'version',
  job: 'job',
  bisection: 'job',
  blame: 'job',
  comparison: 'job',
  evaluation: 'job',
  rollback: 'job',
  edit: 'edit',
  schedule: 'schedule',
  artefact: 'artefact',
  webhook: 'webhook',
};

/** The same in bodies and queries, where versions and branches are those of the model that is named beside them. */
const namedInside: Readonly<Record<string, OwnedKind>> = {
  project: 'project',
  model: 'model',
  job_id: 'job',
  one: 'job',
  other: 'job',
};

/** Behind authentication, before what is asked is even looked at. Behind it the caller has the scopes that it has on what is asked about. */
export function limitReach(app: FastifyInstance, findOwner: FindOwner): void {
  app.decorateRequest('checkAgain', async () => {});
  app.addHook('preValidation', async (request) => {
    if (request.caller === null) return;
    request.caller = await limited(request, request.caller);
    request.checkAgain = async () => {
      await limited(request, await request.identifyAgain());
    };
  });

  async function limited(request: FastifyRequest, caller: Caller): Promise<Caller> {
    const known = caller.reach === null ? caller : { ...caller, scopes: await scopesOn(request, caller, caller.reach) };
    requireScope(request, known);
    return known;
  }

  async function scopesOn(request: FastifyRequest, caller: Caller, reach: readonly Grant[]): Promise<readonly Scope[]> {
    const { config, schema = {} } = request.routeOptions;
    if (config.reach === 'whole') throw outOfReach(caller, 'this takes one that reaches the whole service');
    const things = [
      ...thingsOfPath(request),
      ...thingsInside(request.query, schema.querystring),
      ...thingsInside(request.body, schema.body),
    ];
    if (things.length === 0 && config.reach !== 'any')
      throw outOfReach(caller, 'this is not about one model or project: name one, where that can be');
    let scopes = caller.scopes;
    for (const { kind, id } of things) {
      const owner = await findOwner(kind, id);
      const grant = owner === null ? undefined : reach.find((each) => covers(each, owner));
      if (grant === undefined) throw outOfReach(caller, `${kind} ${JSON.stringify(id)} belongs to none of these`);
      scopes = scopes.filter((scope) => grant.scopes.includes(scope));
    }
    return scopes;
  }
}

const covers = ({ project, models }: Grant, owner: Owner): boolean =>
  'project' in owner ? owner.project === project : models.includes(owner.model);

/** Ids of the models that a list may tell the caller of; undefined for all. */
export const modelsReached = (request: FastifyRequest): readonly string[] | undefined =>
  grantsFor(request)?.flatMap(({ models }) => models);

/** Ids of the projects; undefined for all. */
export const projectsReached = (request: FastifyRequest): readonly string[] | undefined =>
  grantsFor(request)?.flatMap(({ project }) => project ?? []);

/** What the caller has been granted that suffices for the route. */
function grantsFor(request: FastifyRequest): readonly Grant[] | undefined {
  const scope = request.routeOptions.config.access as Scope;
  return callerOf(request).reach?.filter(({ scopes }) => unmetNeed(scopes, [{ scope, why: '' }]) === null);
}

interface Thing {
  readonly kind: OwnedKind;
  readonly id: string;
}

/** What stands behind a project, a model or a branch in a path is looked up within that. */
function thingsOfPath(request: FastifyRequest): Thing[] {
  const params = Object.entries(request.params as Readonly<Record<string, string>>);
  const [first] = params;
  if (first === undefined) return [];
  const within = ['project', 'model', 'branch'].includes(first[0]);
  return (within ? [first] : params).flatMap(([name, id]) => thing(namedBy[name], id));
}

/** Only what the route reads counts: what it does not makes it about no model. */
function thingsInside(given: unknown, schema: unknown): Thing[] {
  if (typeof given !== 'object' || given === null) return [];
  return fieldsOf(schema).flatMap((name) => thing(namedInside[name], Reflect.get(given, name)));
}

function fieldsOf(schema: unknown): readonly string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  if (schema instanceof z.ZodPipe) return [...fieldsOf(schema.in), ...fieldsOf(schema.out)];
  if (schema instanceof z.ZodUnion) return [...new Set(schema.options.flatMap(fieldsOf))];
  return [];
}

const thing = (kind: OwnedKind | undefined, id: unknown): Thing[] =>
  kind === undefined || typeof id !== 'string' ? [] : [{ kind, id: kind === 'model' ? partsOfName(id).model : id }];

function outOfReach({ reach }: Caller, why: string): ErrataError {
  const models = reach?.flatMap((grant) => grant.models) ?? [];
  const projects = reach?.flatMap(({ project }) => project ?? []) ?? [];
  const reached = (projects.length === 0 ? models : projects).join(', ') || 'nothing';
  return new ErrataError('model_out_of_reach', `this key reaches ${reached} alone: ${why}`, {
    details: { models, projects },
  });
}
