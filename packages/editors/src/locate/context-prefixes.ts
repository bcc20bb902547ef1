// Context prefixes: short texts sampled once from the base model, put before a prompt so that an edit holds in many contexts.
import { canonicalJson, ErrataError, sha256 } from '@errata/contracts';
import { z } from 'zod';

/** The words that prefixes begin with, in turn (ROME, appendix; the reference code's list). */
export const starters = ['The', 'Therefore', 'Because', 'I', 'You'] as const;

/** What determines the prefixes of a base model. */
export interface PrefixSettings {
  /** [count, length in tokens] pairs; the length counts the starter. */
  readonly prefixes: readonly (readonly [number, number])[];
  readonly seed: number;
}

const contextPrefixesSchema = z.strictObject({
  format: z.literal('errata-context-prefixes/1'),
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

/** Continues a text by sampling from the base model: returns `text` and `tokens` more tokens. */
export type SampleContinuation = (start: {
  readonly text: string;
  readonly length: number;
  readonly seed: number;
}) => Promise<string>;

/**
 * Samples prefixes. They depend on the base model, the settings and the seed alone, never on a version or a process: the
 * reference code keeps them in a process-global list, so that a second model is edited with the prefixes of the first.
 * @param sample must read the BASE model; `length` counts the tokens of the whole text
 */
export async function sampleContextPrefixes(
  model: string,
  settings: PrefixSettings,
  sample: SampleContinuation,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number, of: number) => void } = {},
): Promise<ContextPrefixes> {
  const texts: string[] = [];
  const of = settings.prefixes.reduce((sum, [count]) => sum + count, 0);
  for (const [count, length] of settings.prefixes) {
    for (let i = 0; i < count; i++) {
      options.signal?.throwIfAborted();
      const starter = starters[i % starters.length]!;
      const text = await sample({ text: starter, length, seed: mixSeed(settings.seed, texts.length) });
      texts.push(text.replace(/\s+/g, ' ').trim() || starter);
      options.onProgress?.(texts.length, of);
    }
  }
  return withDigest({
    format: 'errata-context-prefixes/1',
    model,
    seed: settings.seed,
    prefixes: settings.prefixes.map(([count, length]) => [count, length]),
    texts,
  });
}

/** A seed of its own for the index-th draw: a Weyl step and the finaliser of MurmurHash3, on 32 bits. */
function mixSeed(seed: number, index: number): number {
  let h = (seed + Math.imul(index + 1, 0x9e3779b9)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
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
