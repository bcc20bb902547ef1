// Completions of any version, in the shapes of the widespread completion API.
import { randomUUID } from 'node:crypto';
import {
  chatCompletionRequestSchema,
  chatCompletionSchema,
  completionRequestSchema,
  completionSchema,
  ErrataError,
  type VersionSource,
} from '@errata/contracts';
import type { ChatMessage, Completion, Sampling } from '@errata/engine';
import {
  forgetBrokenSnapshot,
  getModel,
  type Lineage,
  resolveReference,
  type StoredModel,
  sourceAt,
} from '@errata/lineage';
import type { Snapshots } from '@errata/upkeep';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { postHeaders } from '../admission/idempotency.ts';
import type { Metrics } from '../metrics.ts';
import type { ApiParts } from '../parts.ts';
import { whileWaitedFor } from '../requests/caller-waits.ts';
import { modelReference } from '../requests/model-reference.ts';

const tags = ['completions'];

/** Names the digest of the version that answered. */
const versionHeader = 'errata-version';

interface Served {
  readonly version: string;
  readonly model: StoredModel;
  readonly source: VersionSource;
}

/**
 * What `name` (its branch `main`), `name@branch`, `name@alias`, `name@tag`, `name@ver_...` stand for; ids serve as names.
 * @throws ErrataError `unknown_model`, `unknown_reference`, `unknown_version`
 */
export async function resolveServed(lineage: Lineage, reference: string): Promise<Served> {
  const at = reference.indexOf('@');
  const model = await getModel(lineage, at < 0 ? reference : reference.slice(0, at));
  const { id, digest } = model.resource;
  const { version, tip } = await resolveReference(lineage, id, at < 0 ? 'main' : reference.slice(at + 1));
  return { version, model, source: await sourceAt(lineage, digest, tip) };
}

export interface CompletionRouteOptions {
  /** Completions that may wait for the engine. */
  readonly queue: number;
  readonly metrics: Metrics;
  readonly snapshots: Snapshots;
}

export const completionRoutes =
  ({ lineage, engine }: ApiParts, { queue, metrics, snapshots }: CompletionRouteOptions): FastifyPluginAsyncZod =>
  async (app) => {
    let pending = 0;

    type Prompts = readonly string[] | { readonly messages: readonly ChatMessage[] };
    async function complete(
      request: FastifyRequest,
      reply: FastifyReply,
      body: z.output<typeof completionRequestSchema> | z.output<typeof chatCompletionRequestSchema>,
      prompts: Prompts,
    ) {
      let served = await resolveServed(lineage, body.model);
      if (pending >= queue) {
        throw new ErrataError('unavailable', `${pending} completions are waiting for the engine`, {
          details: { retry_after_seconds: 1 },
        });
      }
      pending += 1;
      try {
        const ask = (signal: AbortSignal) =>
          engine.call(
            'complete',
            {
              model: modelReference(served.model),
              version: served.source,
              prompts,
              sampling: samplingOf(body),
            },
            { signal },
          );
        const { completions } = await whileWaitedFor(request, reply, (signal) =>
          ask(signal).catch(async (error) => {
            if (!(await forgetBrokenSnapshot(lineage, error))) throw error;
            served = await resolveServed(lineage, `${body.model.split('@')[0]}@${served.version}`);
            return ask(signal);
          }),
        );
        snapshots.opened(served.model, served.source);
        const usage = usageOf(completions);
        metrics.completionTokens.inc({ kind: 'prompt' }, usage.prompt_tokens);
        metrics.completionTokens.inc({ kind: 'completion' }, usage.completion_tokens);
        reply.header(versionHeader, served.version);
        return {
          completions,
          rest: { created: Math.floor(Date.now() / 1000), model: body.model, version: served.version, usage },
        };
      } finally {
        pending -= 1;
      }
    }

    app.post(
      '/v1/completions',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'Complete a text, or several, with a version of a model',
          description: `The header \`${versionHeader}\` names the version that answered. \`temperature\` 0 is greedy.`,
          headers: postHeaders,
          body: completionRequestSchema,
          response: { 200: completionSchema },
        },
      },
      async (request, reply) => {
        const { body } = request;
        const { completions, rest } = await complete(request, reply, body, [body.prompt].flat());
        return {
          ...rest,
          id: newCompletionId('cmpl'),
          object: 'text_completion' as const,
          choices: completions.map(({ text, finish_reason }, index) => ({ index, text, finish_reason })),
        };
      },
    );

    app.post(
      '/v1/chat/completions',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'Answer a conversation with a version of a model',
          description: `The header \`${versionHeader}\` names the version that answered.`,
          headers: postHeaders,
          body: chatCompletionRequestSchema,
          response: { 200: chatCompletionSchema },
        },
      },
      async (request, reply) => {
        const { body } = request;
        const { completions, rest } = await complete(request, reply, body, { messages: body.messages });
        return {
          ...rest,
          id: newCompletionId('chatcmpl'),
          object: 'chat.completion' as const,
          choices: completions.map(({ text, finish_reason }, index) => ({
            index,
            message: { role: 'assistant' as const, content: text },
            finish_reason,
          })),
        };
      },
    );
  };

const newCompletionId = (prefix: string) => `${prefix}_${randomUUID().replaceAll('-', '')}`;

function samplingOf(body: {
  readonly max_tokens: number;
  readonly temperature: number;
  readonly top_k?: number | undefined;
  readonly seed: number;
  readonly stop?: string | readonly string[] | undefined;
}): Sampling {
  const { max_tokens, temperature, top_k, seed, stop } = body;
  return {
    max_tokens,
    temperature,
    seed,
    ...(top_k === undefined ? {} : { top_k }),
    ...(stop === undefined ? {} : { stop: [stop].flat() }),
  };
}

function usageOf(completions: readonly Completion[]) {
  const sum = (field: 'prompt_tokens' | 'completion_tokens') =>
    completions.reduce((total, completion) => total + completion[field], 0);
  const [prompt_tokens, completion_tokens] = [sum('prompt_tokens'), sum('completion_tokens')];
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}
