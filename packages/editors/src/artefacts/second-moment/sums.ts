// Building second moments: sums of k k^T over the tokens of a text, streamed, and resumable to the bit.
import { canonicalJson, ErrataError } from '@errata/contracts';
import { addGram, divideBy, type Symmetric, symmetric, symmetricLength } from '@errata/graph';
import { captureName, encodeSafetensors, type Model, parseSafetensors } from '@errata/models';
import { z } from 'zod';
import { fileDigest, tokenWindows } from '../../statistics/corpus.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { type Convergence, convergenceOf, lastRows } from './convergence.ts';
import {
  invertMoment,
  type MomentOptions,
  parseMetadata,
  rawFloat64,
  readFloat64,
  type SecondMoment,
} from './second-moment.ts';

const headerSchema = z.strictObject({
  format: z.literal('errata-moment-sums/3'),
  model: z.string(),
  corpus_sha256: z.string(),
  layers: z.array(z.int()).min(1),
  /** d_ff. */
  size: z.int().min(1),
  /** Tokens in one window, and windows added up so far. */
  window: z.int(),
  windows: z.int(),
  tokens: z.int(),
});

/** How far a sum has come. Stored and continued, it gives the bytes that an unbroken run gives. */
export interface MomentSums extends z.output<typeof headerSchema> {
  /** Sum of k k^T of each layer. */
  readonly sums: readonly Symmetric[];
}

/** Partial sums as a safetensors file. */
export function encodeMomentSums({ sums, ...header }: MomentSums): Uint8Array {
  const tensors = sums.map(({ data }, i) => [`sum_${i}`, rawFloat64([data.length], data)] as const);
  return encodeSafetensors(new Map(tensors), { metadata: { header: canonicalJson(header) } });
}

/** The inverse of {@link encodeMomentSums}. @throws ErrataError `blob_corrupt`; ModelError safetensors_* */
export function decodeMomentSums(bytes: Uint8Array): MomentSums {
  const file = parseSafetensors(bytes, 'moment sums');
  const header = headerSchema.safeParse(parseMetadata(file.metadata.get('header')));
  if (!header.success) throw new ErrataError('blob_corrupt', 'stored sums lack their header', { cause: header.error });
  const { size, layers } = header.data;
  const sums = layers.map((_, i) => {
    const data = readFloat64(file, `sum_${i}`);
    if (data.length !== symmetricLength(size))
      throw new ErrataError('blob_corrupt', `stored sums of ${size} rows have ${data.length} elements`);
    return symmetric(size, data);
  });
  return { ...header.data, sums };
}

/** How far a build has come. */
export interface MomentProgress {
  readonly phase: 'sum' | 'invert';
  /** Tokens of the sum, or layers that are inverted. */
  readonly done: number;
  /** At most; as many as are done where the text is read to its end, however long it is. */
  readonly total: number;
}

/** What is built, over what. */
export interface MomentRequest extends MomentOptions {
  readonly model: Model;
  /** Digest that the moments are stored under. */
  readonly digest: string;
  readonly layers: readonly number[];
  /** Path of a UTF-8 text. */
  readonly corpus: string;
  /** Tokens read at most; rounded up to whole windows. All of the text when left out. */
  readonly tokens?: number;
  /** Sums to go on from. */
  readonly resume?: MomentSums;
  readonly onProgress?: (progress: MomentProgress) => void;
  /** Called every {@link checkpointWindows} windows; the sums go on changing after it returns. */
  readonly onCheckpoint?: (sums: MomentSums) => Promise<void> | void;
  readonly signal?: AbortSignal;
}

export interface BuiltMoment {
  readonly moment: SecondMoment;
  /** How far it has settled; null where that cannot be said. */
  readonly convergence: Convergence | null;
}

const longestWindow = 2048;

/**
 * Windows that run together: as many as have the positions of the longest, so that what is held does not grow with the window.
 * The order of the additions is part of the result.
 */
const chunkOf = (window: number): number => Math.max(1, Math.min(16, Math.floor(longestWindow / window)));

/** Windows between two checkpoints. */
export const checkpointWindows = 256;

/** Tokens in a window: what the model reads, but no more than articles have. Attention over a window costs the square of its length. */
const windowOf = ({ spec }: Model): number => Math.min(spec.context, longestWindow);

function startSums(request: MomentRequest, corpus_sha256: string): MomentSums {
  const { model, digest, layers, resume } = request;
  const header = {
    format: 'errata-moment-sums/3' as const,
    model: digest,
    corpus_sha256,
    layers: [...layers],
    size: model.spec.mlpWidth,
    window: windowOf(model),
  };
  if (!resume) return { ...header, windows: 0, tokens: 0, sums: layers.map(() => symmetric(header.size)) };
  const { windows, tokens, sums, ...stored } = resume;
  if (canonicalJson(stored) !== canonicalJson(header)) {
    throw new ErrataError('invalid_request', 'the stored sums are of another model, text or set of layers', {
      details: { stored, wanted: header },
    });
  }
  return { ...header, windows, tokens, sums: sums.map(({ size, data }) => symmetric(size, data.slice())) };
}

/**
 * C = E[k k^T] of layers over all tokens of a text, summed in float64: those too that the tokenizer puts in front of every text, as the
 * reference code counts them. Every prompt is read behind them, so an edit had better leave their values alone.
 * @returns one a layer, in the order asked for, inverted when it is asked for
 * @throws ErrataError `corpus_missing`, `tokenizer_missing`, `singular_statistics`
 */
export async function* buildSecondMoments(request: MomentRequest): AsyncGenerator<BuiltMoment> {
  const { model, layers, corpus, onProgress, onCheckpoint, signal, digest } = request;
  const tokenizer = requireTokenizer({ model });
  const corpus_sha256 = await fileDigest(corpus);
  let state = startSums(request, corpus_sha256);
  const size = model.spec.mlpWidth;
  const limit = request.tokens ?? Number.POSITIVE_INFINITY;
  const window = windowOf(model);
  const together = chunkOf(window);
  const most = Math.ceil(limit / window) * window;
  // Windows whose keys are added already. The last two chunks of them are read again: their keys may be among the last of all.
  const added = state.windows;
  const from = Math.max(0, (Math.ceil(added / together) - 2) * together);
  let chunk: Int32Array[] = [];
  let recent = layers.map(() => new Float32Array(0));

  const flush = async (isAdded: boolean) => {
    if (chunk.length === 0) return;
    signal?.throwIfAborted();
    const keys = await keysOf(model, layers, chunk);
    recent = recent.map((held, i) => lastRows(held, keys[i]!, together * window * size));
    const [windows, tokens] = [chunk.length, keys[0]!.length / size];
    chunk = [];
    if (isAdded) return;
    for (const [i, sum] of state.sums.entries()) await addGram(sum, keys[i]!);
    state = { ...state, windows: state.windows + windows, tokens: state.tokens + tokens };
    onProgress?.({ phase: 'sum', done: state.tokens, total: Number.isFinite(most) ? most : state.tokens });
    if (state.windows % checkpointWindows === 0) await onCheckpoint?.(state);
  };

  let counted = state.tokens;
  let index = 0;
  for await (const tokens of tokenWindows(tokenizer, corpus, window)) {
    const isAdded = index < added;
    if (index++ < from) continue;
    if (!isAdded && counted >= limit) break;
    chunk.push(tokens);
    if (!isAdded) counted += tokens.length;
    if (chunk.length === together) await flush(isAdded);
  }
  await flush(index <= added);
  if (state.tokens === 0) throw new ErrataError('corpus_missing', `the corpus ${corpus} holds no text`);
  onProgress?.({ phase: 'sum', done: state.tokens, total: state.tokens });

  const { tokens } = state;
  // A sum that is inverted is held no longer.
  const sums = [...state.sums];
  state = { ...state, sums: [] };
  for (const [i, layer] of layers.entries()) {
    signal?.throwIfAborted();
    onProgress?.({ phase: 'invert', done: i, total: layers.length });
    const mean = sums.shift()!;
    divideBy(mean, tokens);
    const moment = await invertMoment(mean, { model: digest, layer, tokens, corpus_sha256 }, request);
    yield { moment, convergence: await convergenceOf(moment, recent[i]!) };
  }
}

/** Keys `[tokens, d_ff]` of windows, of each layer. */
async function keysOf(
  model: Model,
  layers: readonly number[],
  windows: readonly Int32Array[],
): Promise<readonly Float32Array[]> {
  const wanted = layers.map((layer) => ({ site: 'mlp_key' as const, layer }));
  const sequences = windows.map((window) => Array.from(window));
  const recorded = await model.view().activations(sequences, wanted, 'all');
  return wanted.map((at) => recorded.get(captureName(at))!);
}
