// Keys that reach some models alone: whatever a request names, in its path, its query or its body, has to belong to one of these.
import { ErrataError } from '@errata/contracts';
import type { OwnedKind } from '@errata/lineage';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { partsOfName } from '../requests/served-names.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `any`: it is about no model, and tells of none that is out of reach. Others are asked by what belongs to a model. */
    models?: 'any';
  }
}

/** Finds the model that a thing belongs to; null where it is none's, or there is no such thing. */
export type FindModel = (kind: OwnedKind, id: string) => Promise<string | null>;

/** What names things, in paths and bodies, and what is named by it. */
const namedBy: Readonly<Record<string, OwnedKind>> = {
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
const namedInside: Readonly<Record<string, OwnedKind>> = { model: 'model', job_id: 'job', one: 'job', other: 'job' };

/** Behind authentication, before what is asked is even looked at. */
export function limitReach(app: FastifyInstance, findModel: FindModel): void {
  app.addHook('preValidation', async (request) => {
    const { caller, routeOptions } = request;
    if (caller === null || caller.models.length === 0 || routeOptions.config.models === 'any') return;
    const { querystring, body } = routeOptions.schema ?? {};
    const things = [
      ...thingsOfPath(request),
      ...thingsInside(request.query, querystring),
      ...thingsInside(request.body, body),
    ];
    if (things.length === 0)
      throw outOfReach(caller.models, 'this is not about one model: name one, where that can be');
    for (const { kind, id } of things) {
      const model = await findModel(kind, id);
      if (model === null || !caller.models.includes(model))
        throw outOfReach(caller.models, `${kind} ${JSON.stringify(id)} belongs to no model that it reaches`);
    }
  });
}

interface Thing {
  readonly kind: OwnedKind;
  readonly id: string;
}

/** What stands behind a model or a branch in a path is looked up within that. */
function thingsOfPath(request: FastifyRequest): Thing[] {
  const params = Object.entries(request.params as Readonly<Record<string, string>>);
  const [first] = params;
  if (first === undefined) return [];
  const within = first[0] === 'model' || first[0] === 'branch';
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

const outOfReach = (models: readonly string[], why: string): ErrataError =>
  new ErrataError('model_out_of_reach', `this key reaches ${models.join(', ')} alone: ${why}`, { details: { models } });
