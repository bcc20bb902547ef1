// Projects: made and bounded by who reaches the whole service, read by who is in them.
import { pageSchema, projectChangeSchema, projectRequestSchema, projectSchema } from '@errata/contracts';
import { changeProject, createProject, getProject, listProjects, moveModel } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { postHeaders } from '../admission/idempotency.ts';
import { projectsReached } from '../admission/reach.ts';
import { shown } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { pageQuery, params } from '../requests/parameters.ts';

const tags = ['projects'];
const bounding = { access: 'admin', reach: 'whole' } as const;

export const projectRoutes =
  ({ lineage }: Pick<ApiParts, 'lineage'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/v1/projects',
      {
        config: { access: 'models:read', reach: 'any' },
        schema: {
          tags,
          summary: 'List the projects that the key reaches',
          querystring: pageQuery,
          response: { 200: pageSchema(projectSchema) },
        },
      },
      async (request) => shown(await listProjects(lineage, { ...request.query, ids: projectsReached(request) })),
    );

    app.post(
      '/v1/projects',
      {
        config: bounding,
        schema: {
          tags,
          summary: 'Make a project',
          headers: postHeaders,
          body: projectRequestSchema,
          response: { 201: projectSchema },
        },
      },
      async ({ body: { name, quotas } }, reply) => {
        const project = await createProject(lineage, name, quotas);
        return reply.status(201).header('location', `/v1/projects/${project.name}`).send(project);
      },
    );

    app.get(
      '/v1/projects/:project',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'A project by name or id, with what is used of its quotas now',
          params: params('project'),
          response: { 200: projectSchema },
        },
      },
      async (request) => getProject(lineage, request.params.project),
    );

    app.patch(
      '/v1/projects/:project',
      {
        config: bounding,
        schema: {
          tags,
          summary: 'Change the name or some quotas of a project',
          params: params('project'),
          body: projectChangeSchema,
          response: { 200: projectSchema },
        },
      },
      async (request) => changeProject(lineage, request.params.project, request.body),
    );

    app.put(
      '/v1/projects/:project/models/:model',
      {
        config: bounding,
        schema: {
          tags,
          summary: 'Give a model to a project; who was limited to the project that had it reaches it no more',
          params: params('project', 'model'),
          response: { 200: projectSchema },
        },
      },
      async ({ params: { project, model } }) => moveModel(lineage, project, model),
    );
  };
