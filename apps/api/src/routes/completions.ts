// Completions of any version, in the shapes of the widespread completion API.
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  chatCompletionChunkSchema,
  chatCompletionRequestSchema,
  chatCompletionSchema,
  completionChunkSchema,
  completionRequestSchema,
  completionSchema,
  ErrataError,
} from '@errata/contracts';
import type { Completion, CompletionPart } from '@errata/engine';
import { admitTokens, forgetBrokenSnapshot, noteTokens, type Served } from '@errata/lineage';
import type { Snapshots } from '@errata/upkeep';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { postHeaders } from '../admission/idempotency.ts';
import { type Asked, askedOfChat, askedOfText } from '../completions/asked.ts';
import { type About, chatShape, type Shape, textShape, type Usage } from '../completions/shapes.ts';
import { attributionOf } from '../completions/spoken-edit.ts';
import { beginAnswer, completionStream } from '../completions/stream.ts';
import { toProblem } from '../http/problems.ts';
import type { Metrics } from '../metrics.ts';
import type { ApiParts } from '../parts.ts';
import { whileWaitedFor } from '../requests/caller-waits.ts';
import { inOneTurn } from '../requests/in-one-turn.ts';
import { modelReference } from '../requests/model-reference.ts';
import { resolveServed } from '../requests/served-names.ts';

const tags = ['completions'];

/** Names the digest of the version that answered. */
const versionHeader = 'errata-version';

export interface CompletionRouteOptions {
  /** Completions that may wait for the engine. */
  readonly queue: number;
  readonly metrics: Metrics;
  readonly snapshots: Snapshots;
}

/** What requests for completions say beside what is asked of the engine. */
interface Request {
  readonly model: string;
  readonly stream: boolean;
  readonly stream_options?: { readonly include_usage: boolean } | undefined;
  readonly n: number;
  /** Whether to say which edit acted on the prompt. */
  readonly errata: boolean;
}

export const completionRoutes =
  ({ lineage, servers }: ApiParts, { queue, metrics, snapshots }: CompletionRouteOptions): FastifyPluginAsyncZod =>
  async (app) => {
    let pending = 0;
    const resolve = inOneTurn((name) => resolveServed(lineage, name));

    /** Asks the engine, for as long as the caller waits. */
    async function answer(
      request: FastifyRequest,
      reply: FastifyReply,
      {
        model,
        served,
        asked,
        n,
      }: { readonly model: string; readonly served: Served; readonly asked: Asked; readonly n: number },
      onPart?: (part: CompletionPart) => void,
    ): Promise<readonly Completion[]> {
      if (pending >= queue) {
        throw new ErrataError('unavailable', `${pending} completions are waiting for the engine`, {
          details: { retry_after_seconds: 1 },
        });
      }
      pending += 1;
      // Of an answer that breaks off, what was sent counts.
      let generated = 0;
      const onToken =
        onPart &&
        ((part: CompletionPart) => {
          generated += 1;
          onPart(part);
        });
      try {
        await admitTokens(lineage, served.project);
        const ask = ({ model, source }: Served, signal: AbortSignal) =>
          servers.call(
            'complete',
            { model: modelReference(model), version: source, ...asked },
            { signal, ...(onToken && { onPart: onToken }) },
          );
        const { completions } = await whileWaitedFor(request, reply, (signal) =>
          ask(served, signal).catch(async (error) => {
            if (!(await forgetBrokenSnapshot(lineage, error))) throw error;
            return ask(await resolveServed(lineage, `${model.split('@')[0]}@${served.version}`), signal);
          }),
        );
        snapshots.opened(served.model, served.source);
        const usage = usageOf(completions, n);
        generated = usage.completion_tokens;
        metrics.completionTokens.inc({ kind: 'prompt' }, usage.prompt_tokens);
        metrics.completionTokens.inc({ kind: 'completion' }, usage.completion_tokens);
        return completions;
      } finally {
        pending -= 1;
        if (generated > 0)
          noteTokens(lineage, served.project, generated).catch((err) =>
            request.log.error({ err, project: served.project.id, generated }, 'tokens were not counted'),
          );
      }
    }

    async function complete<Whole extends object, Chunk extends object>(
      request: FastifyRequest,
      reply: FastifyReply,
      shape: Shape<Whole, Chunk>,
      { model, stream, stream_options, n, errata }: Request,
      asked: Asked,
    ): Promise<Whole | FastifyReply> {
      const served = await resolve(model);
      const about: About = {
        id: `${shape.idPrefix}_${randomUUID().replaceAll('-', '')}`,
        created: Math.floor(Date.now() / 1000),
        model,
        version: served.version,
      };
      reply.header(versionHeader, served.version);
      const attribution = errata ? await attributionOf(lineage, served) : undefined;
      const ending = (completions: readonly Completion[]) =>
        attribution === undefined ? {} : { errata: attribution.spoken(completions) };
      const work = { model, served, asked: { ...asked, attribute: attribution?.deltas }, n };
      if (!stream) {
        const completions = await answer(request, reply, work);
        return shape.whole({ ...about, ...ending(completions) }, completions, usageOf(completions, n));
      }
      const answering = await beginAnswer((onPart) => answer(request, reply, work, onPart));
      return reply.type('text/event-stream; charset=utf-8').send(
        completionStream(shape, answering, {
          about,
          includeUsage: stream_options?.include_usage === true,
          usageOf: (completions) => usageOf(completions, n),
          ending,
          explain: (error) => {
            request.log.error({ err: error }, 'an answer broke off');
            return toProblem(error, request.id);
          },
        }),
      );
    }

    app.post(
      '/v1/completions',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'Complete a text, or several, with a version of a model',
          description: `The header \`${versionHeader}\` names the version that answered. \`temperature\` 0 is greedy. ${streaming}`,
          headers: postHeaders,
          body: completionRequestSchema,
          response: { 200: wholeOrStream(completionSchema, completionChunkSchema) },
        },
      },
      (request, reply) => complete(request, reply, textShape, request.body, askedOfText(request.body)),
    );

    app.post(
      '/v1/chat/completions',
      {
        config: { access: 'models:read' },
        schema: {
          tags,
          summary: 'Answer a conversation with a version of a model',
          description: `The header \`${versionHeader}\` names the version that answered. ${streaming}`,
          headers: postHeaders,
          body: chatCompletionRequestSchema,
          response: { 200: wholeOrStream(chatCompletionSchema, chatCompletionChunkSchema) },
        },
      },
      (request, reply) => complete(request, reply, chatShape, request.body, askedOfChat(request.body)),
    );
  };

const streaming =
  'With `stream` it comes as server-sent events, each a chunk, and `[DONE]` at the end; where the work fails meanwhile the last is a problem.';

const wholeOrStream = (whole: z.ZodType, chunk: z.ZodType) => ({
  description: 'The answer, or with `stream` its chunks',
  content: {
    'application/json': { schema: whole },
    'text/event-stream': { schema: z.union([z.custom<Readable>((value) => value instanceof Readable), chunk]) },
  },
});

/** A prompt counts once, however many answers it has: those to one prompt stand next to one another. */
function usageOf(completions: readonly Completion[], n: number): Usage {
  const sum = (field: 'prompt_tokens' | 'completion_tokens', each: number) =>
    completions.reduce((total, completion, index) => total + (index % each === 0 ? completion[field] : 0), 0);
  const [prompt_tokens, completion_tokens] = [sum('prompt_tokens', n), sum('completion_tokens', 1)];
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}
