// Traces facts of a file, from checkpoints: a fact is traced once, however often a build is broken off.
import { ErrataError } from '@errata/contracts';
import { z } from 'zod';
import { summarizeTracing } from '../../locate/summary.ts';
import { tracedSites } from '../../locate/told.ts';
import { type FactsSettings, traceFacts } from '../../locate/trace-facts.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import type { ArtefactBuilder, BuildInput } from '../builder.ts';
import { editsIn, readEditsFile } from '../edits-file.ts';
import { type CausalTraceFields, causalTraceFormat } from './request.ts';

const grid = z.array(z.array(z.number()));
const traceSchema = z.object({
  custom_id: z.string(),
  clean: z.number(),
  corrupted: z.number(),
  restored: z.object(
    Object.fromEntries(tracedSites.map((site) => [site, grid])) as Record<(typeof tracedSites)[number], typeof grid>,
  ),
});

const storedSchema = z.object({
  format: z.literal(causalTraceFormat),
  /** Each fact as tokens, with the positions of its subject's first and last, and what was found of it. */
  traces: z.array(traceSchema.extend({ ids: z.array(z.int()), subject: z.tuple([z.int(), z.int()]), answer: z.int() })),
});
export type StoredTraces = z.output<typeof storedSchema>['traces'];

const toBytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** @throws ZodError, SyntaxError */
const fromBytes = <S extends z.ZodType>(schema: S, bytes: Uint8Array): z.output<S> =>
  schema.parse(JSON.parse(new TextDecoder().decode(bytes)));

const dataOf = ({ request }: BuildInput) =>
  readEditsFile((request as unknown as CausalTraceFields).data, 'to be traced');

function settingsOf({ request, model }: BuildInput): FactsSettings {
  const { limit = 20, runs = 10, noise = 3, window, seed = 0 } = request as unknown as CausalTraceFields;
  return { limit, runs, noise, window: window ?? Math.round(model.spec.layers / 10), seed };
}

export const builder: ArtefactBuilder<StoredTraces> = {
  async parameters(needs, input) {
    const { sha256: data } = await dataOf(input);
    return needs.map(() => ({ ...settingsOf(input), data }));
  },

  async *build(needs, input, { checkpoint, onProgress, signal }) {
    const tokenizer = requireTokenizer(input);
    const { bytes, path, sha256: data } = await dataOf(input);
    // What is looked for is what the model knows: of a correction the answer before it.
    const edits = [...editsIn(bytes, path)].map((edit) => ({
      ...edit,
      target_new: edit.target_true ?? edit.target_new,
    }));
    const before = await checkpoint.read();
    const settings = settingsOf(input);
    const found = await traceFacts(input.model.view(), tokenizer, edits, settings, {
      traced: before === undefined ? [] : (readTraces(before) ?? []),
      onTraced: (traces) => checkpoint.write(toBytes(traces)),
      onProgress: ({ fact, facts, done, total }) =>
        onProgress?.({ stage: 'tracing', done: (fact - 1) * total + done, total: facts * total }),
      ...(signal && { signal }),
    });
    const traces = found.traces.map((trace, i) => ({ ...found.facts[i]!, ...trace }));
    const built = {
      bytes: toBytes({ format: causalTraceFormat, traces }),
      details: { data, ...summarizeTracing(found, settings) },
    };
    yield* needs.map(() => built);
  },

  decode(bytes) {
    try {
      return fromBytes(storedSchema, bytes).traces;
    } catch (cause) {
      throw new ErrataError('blob_corrupt', 'stored causal traces cannot be read', { cause });
    }
  },
};

/** What a broken-off build left. It is not trusted: what cannot be read is traced anew. */
function readTraces(bytes: Uint8Array): z.output<typeof traceSchema>[] | undefined {
  try {
    return fromBytes(z.array(traceSchema), bytes);
  } catch {
    return undefined;
  }
}
