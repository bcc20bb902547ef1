// Context prefixes: short texts sampled once from the base model, put before a prompt so that an edit holds in many contexts.
import { canonicalJson, ErrataError, sha256 } from '@errata/contracts';
import { encodePrompt, type Tokenizer, type View } from '@errata/models';
import { z } from 'zod';
import { contextPrefixFormat, type PrefixSettings } from './request.ts';

/** The words that prefixes begin with, in turn (ROME, appendix; the reference code's list). */
export const starters = ['The', 'Therefore', 'Because', 'I', 'You'] as const;

const contextPrefixesSchema = z.strictObject({
  format: z.literal(contextPrefixFormat),
  /** Digest of the base model they were sampled from. */
  model: z.string(),
  seed: z.int(),
  prefixes: z.array(z.tuple([z.int(), z.int()])),
  texts: z.array(z.string().min(1)),
  /** sha256 of everything above. */
  digest: z.string(),
});

/** Sampled prefixes with where they came from. Plain data. */
export type ContextPrefixes = z.output<typeof contextPrefixesSchema>;

/** Draws prefixes: one text for each starter, `length` tokens long with it. */
export type SamplePrefixes = (starters: readonly string[], length: number, seed: number) => Promise<readonly string[]>;

/**
 * Samples prefixes. They depend on the base model, the settings and the seed alone, never on a version or a process: the
 * reference code keeps them in a process-global list, so that a second model is edited with the prefixes of the first.
 * @param sample must read the BASE model
 */
export async function sampleContextPrefixes(
  model: string,
  settings: PrefixSettings,
  sample: SamplePrefixes,
  signal?: AbortSignal,
): Promise<ContextPrefixes> {
  const texts: string[] = [];
  for (const [index, [count, length]] of settings.prefixes.entries()) {
    signal?.throwIfAborted();
    const words = Array.from({ length: count }, (_, i) => starters[i % starters.length]!);
    const drawn = await sample(words, length, settings.seed + index);
    texts.push(...drawn.map((text, i) => text.replace(/[\s\ufffd]+/g, ' ').trim() || words[i]!));
  }
  return withDigest({
    format: contextPrefixFormat,
    model,
    seed: settings.seed,
    prefixes: settings.prefixes.map(([count, length]) => [count, length]),
    texts,
  });
}

/** Most likely tokens that prefixes are drawn from, as in the reference code. */
const topK = 5;

/** Draws prefixes from a model's base version. */
export function prefixSampler(base: View, tokenizer: Tokenizer): SamplePrefixes {
  return async (words, length, seed) => {
    const starts = words.map((word) => encodePrompt(tokenizer, word));
    const room = length - Math.min(...starts.map((ids) => ids.length - tokenizer.prefixIds.length));
    const stop = tokenizer.eosId === undefined ? [] : [tokenizer.eosId];
    const drawn = await base.generate(starts, { maxTokens: Math.max(0, room), temperature: 1, topK, seed, stop });
    return starts.map((ids, i) => {
      // A vocabulary padded beyond the tokenizer's has ids that are no text.
      const words = drawn[i]!.tokens.filter((id) => tokenizer.idToToken(id) !== undefined);
      const text = [...ids.slice(tokenizer.prefixIds.length), ...words];
      return tokenizer.decode(text.slice(0, Math.max(length, ids.length - tokenizer.prefixIds.length)));
    });
  };
}

function withDigest(content: Omit<ContextPrefixes, 'digest'>): ContextPrefixes {
  return { ...content, digest: sha256(canonicalJson(content)) };
}

/** Prefixes as bytes to store. */
export const encodeContextPrefixes = (prefixes: ContextPrefixes): Uint8Array =>
  new TextEncoder().encode(canonicalJson(prefixes));

/**
 * The inverse of {@link encodeContextPrefixes}.
 * @throws ErrataError `blob_corrupt` where the bytes are not what was stored
 */
export function decodeContextPrefixes(bytes: Uint8Array): ContextPrefixes {
  const corrupt = (why: string, cause?: unknown) =>
    new ErrataError('blob_corrupt', `stored context prefixes: ${why}`, { cause });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corrupt('not JSON', cause);
  }
  const parsed = contextPrefixesSchema.safeParse(value);
  if (!parsed.success) throw corrupt(parsed.error.issues[0]?.message ?? 'of another form', parsed.error);
  const { digest, ...content } = parsed.data;
  if (withDigest(content).digest !== digest) throw corrupt('the digest does not match');
  return parsed.data;
}
