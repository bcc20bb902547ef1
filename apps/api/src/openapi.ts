// OpenAPI 3.1 from the very schemas that validate, with each operation's scope and the problem it may answer.
import {
  aliasMoveSchema,
  aliasRequestSchema,
  aliasSchema,
  artefactRequestSchema,
  artefactSchema,
  bisectionRequestSchema,
  bisectionSchema,
  bisectResultSchema,
  blameRequestSchema,
  blameResultSchema,
  blameSchema,
  branchRequestSchema,
  branchSchema,
  caseResultSchema,
  chatCompletionRequestSchema,
  chatCompletionSchema,
  checkReportSchema,
  checkRequestSchema,
  cherryPickRequestSchema,
  collectionReportSchema,
  collectionRequestSchema,
  comparisonRequestSchema,
  comparisonSchema,
  completionRequestSchema,
  completionSchema,
  editDetailSchema,
  editJobRequestSchema,
  editPlanSchema,
  editRecordSchema,
  editResultSchema,
  editSchema,
  evaluationRequestSchema,
  evaluationSchema,
  evaluationSummarySchema,
  eventSchema,
  gatePolicySchema,
  gateVerdictSchema,
  importRequestSchema,
  inboxEditSchema,
  inboxReceiptSchema,
  jobSchema,
  listedModelSchema,
  manifestSchema,
  moveSchema,
  policyRequestSchema,
  policyRevisionSchema,
  problemSchema,
  referenceSchema,
  rollbackRequestSchema,
  scheduleChangeSchema,
  scheduleRequestSchema,
  scheduleRunSchema,
  scheduleSchema,
  suiteRequestSchema,
  suiteSchema,
  tagRequestSchema,
  tagSchema,
  versionDiffSchema,
  versionSchema,
  weightsDiffSchema,
} from '@errata/contracts';
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type OpenapiDocument, tidyDocument } from './openapi-tidy.ts';

/** Schemas that the document names; the others stand where they are used. */
const named = {
  Alias: aliasSchema,
  AliasMove: aliasMoveSchema,
  AliasRequest: aliasRequestSchema,
  ArtefactRequest: artefactRequestSchema,
  Artefact: artefactSchema,
  Bisection: bisectionSchema,
  BisectionRequest: bisectionRequestSchema,
  BisectResult: bisectResultSchema,
  Blame: blameSchema,
  BlameRequest: blameRequestSchema,
  BlameResult: blameResultSchema,
  BranchRequest: branchRequestSchema,
  Branch: branchSchema,
  ChatCompletionRequest: chatCompletionRequestSchema,
  ChatCompletion: chatCompletionSchema,
  Comparison: comparisonSchema,
  ComparisonRequest: comparisonRequestSchema,
  CompletionRequest: completionRequestSchema,
  CherryPickRequest: cherryPickRequestSchema,
  CheckReport: checkReportSchema,
  CheckRequest: checkRequestSchema,
  CollectionReport: collectionReportSchema,
  CollectionRequest: collectionRequestSchema,
  Completion: completionSchema,
  Edit: editSchema,
  EditJobRequest: editJobRequestSchema,
  EditPlan: editPlanSchema,
  EditDetail: editDetailSchema,
  EditRecord: editRecordSchema,
  EditResult: editResultSchema,
  Evaluation: evaluationSchema,
  EvaluationRequest: evaluationRequestSchema,
  CaseResult: caseResultSchema,
  EvaluationSummary: evaluationSummarySchema,
  Event: eventSchema,
  GatePolicy: gatePolicySchema,
  GateVerdict: gateVerdictSchema,
  ImportRequest: importRequestSchema,
  InboxEdit: inboxEditSchema,
  InboxReceipt: inboxReceiptSchema,
  Job: jobSchema,
  Manifest: manifestSchema,
  Model: listedModelSchema,
  Move: moveSchema,
  PolicyRequest: policyRequestSchema,
  PolicyRevision: policyRevisionSchema,
  Problem: problemSchema,
  RollbackRequest: rollbackRequestSchema,
  Suite: suiteSchema,
  SuiteRequest: suiteRequestSchema,
  ScheduleChange: scheduleChangeSchema,
  ScheduleRequest: scheduleRequestSchema,
  ScheduleRun: scheduleRunSchema,
  Schedule: scheduleSchema,
  Reference: referenceSchema,
  Tag: tagSchema,
  TagRequest: tagRequestSchema,
  Version: versionSchema,
  VersionDiff: versionDiffSchema,
  WeightsDiff: weightsDiffSchema,
} satisfies Record<string, z.ZodType>;

// The registry that descriptions are kept in as well: the generator reads one.
for (const [id, schema] of Object.entries(named)) z.globalRegistry.add(schema, { id });

const description = `Errata keeps a language model's facts right. Corrections are submitted as jobs, measured against the version
they start from, gated, and committed as new versions of a branch; any of them can be taken back.

Every POST takes an \`Idempotency-Key\`. Long work answers 202 with a job and its Location. Lists come in pages:
\`?after=&limit=\`. Errors are problem details (RFC 9457) with \`code\`, \`request_id\`, \`errors\` and \`retryable\`.`;

/** Adds the generator; the document is `app.swagger()` once the app is ready. Register it before the routes. */
export async function registerOpenapi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Errata', version: '1', description, license: { name: 'MIT', identifier: 'MIT' } },
      components: {
        securitySchemes: {
          apiKey: {
            type: 'http',
            scheme: 'bearer',
            description: 'An API key; each operation names the scope it needs.',
          },
        },
      },
      tags: [
        'models',
        'branches',
        'names',
        'versions',
        'edit jobs',
        'inbox',
        'schedules',
        'jobs',
        'rollbacks',
        'evaluations',
        'searches',
        'artefacts',
        'completions',
        'upkeep',
        'service',
      ].map((name) => ({ name })),
    },
    transform: (input) => {
      const { schema, url } = jsonSchemaTransform(input);
      const access = input.route.config?.access;
      if (access === undefined || schema.hide === true) return { schema, url };
      const response = (schema as { response?: Record<string, unknown> }).response ?? {};
      const problem = {
        description: 'A problem',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      };
      return {
        url,
        schema: {
          ...schema,
          ...(access === 'public' ? {} : { security: [{ apiKey: [access] }] }),
          response: { ...response, default: problem },
        },
      };
    },
    transformObject: (input) =>
      tidyDocument(jsonSchemaTransformObject(input) as OpenapiDocument) as ReturnType<typeof jsonSchemaTransformObject>,
  });
}
