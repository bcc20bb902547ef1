// Approvals: a person decides upon a candidate that waits for one.
import { decisionRequestSchema, jobSchema } from '@errata/contracts';
import { approveJob, rejectJob } from '@errata/lineage';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { callerOf } from '../admission/auth.ts';
import { postHeaders } from '../admission/idempotency.ts';
import { wakeLane } from '../http/answers.ts';
import type { ApiParts } from '../parts.ts';
import { params } from '../requests/parameters.ts';

const tags = ['jobs'];

export const approvalRoutes =
  (parts: ApiParts): FastifyPluginAsyncZod =>
  async (app) => {
    const { lineage } = parts;
    const schema = {
      tags,
      params: params('job'),
      headers: postHeaders,
      body: decisionRequestSchema,
      response: { 200: jobSchema },
    };

    app.post(
      '/v1/jobs/:job/approve',
      {
        config: { access: 'approve' },
        schema: {
          ...schema,
          summary: 'Approve the candidate of a job that waits for it',
          description:
            'Not with the key that submitted the job. The candidate is committed if the branch and its policy are still as they ' +
            'were; otherwise the work is done anew on the present head and held against the present gate.',
        },
      },
      async (request, reply) => {
        const { reason } = request.body;
        const job = await approveJob(lineage, { jobId: request.params.job, by: callerOf(request).id, reason });
        await wakeLane(parts, reply, job);
        return job;
      },
    );

    app.post(
      '/v1/jobs/:job/reject',
      {
        config: { access: 'approve' },
        schema: { ...schema, summary: 'Turn down the candidate of a job that waits for an approval' },
      },
      async (request) => {
        const { reason } = request.body;
        return rejectJob(lineage, { jobId: request.params.job, by: callerOf(request).id, reason });
      },
    );
  };
