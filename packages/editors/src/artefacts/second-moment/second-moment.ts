// Second moments of a layer's keys, C = E[k k^T]: what they are, where they came from, how they are stored and inverted.
import { canonicalJson, ErrataError } from '@errata/contracts';
import {
  addToDiagonal,
  diagonalOf,
  GraphError,
  invertPositive,
  type Symmetric,
  symmetric,
  wholeOf,
} from '@errata/graph';
import { encodeSafetensors, parseSafetensors, type RawTensor, type SafetensorsFile } from '@errata/models';
import { z } from 'zod';
import { secondMomentFormat } from './request.ts';

/** Where a second moment came from, so that it is never used for another model and can be computed again. */
const provenanceSchema = z.strictObject({
  /** How it was measured; what an earlier release measured can still be read. */
  format: z.enum(['errata-second-moment/1', secondMomentFormat]),
  /** Digest of the base model. */
  model: z.string(),
  layer: z.int(),
  /** Key vectors behind the mean: every token counts. */
  tokens: z.int(),
  corpus_sha256: z.string(),
  /** A mean over tokens, not a sum, as lambda of MEMIT expects. */
  statistic: z.literal('mean'),
  /** E[k k^T] about the origin, not about the mean. */
  centred: z.literal(false),
  /** Added to the diagonal before inversion, in the units of C; 0 for none. */
  jitter: z.number(),
});
export type MomentProvenance = z.output<typeof provenanceSchema>;

/** C of one layer with its inverse. Row-major float64, `size` x `size`, symmetric. */
export interface SecondMoment {
  readonly provenance: MomentProvenance;
  readonly size: number;
  /** C, without the jitter. */
  readonly moment: Float64Array;
  /** (C + jitter I)^-1. */
  readonly inverse: Float64Array;
}

/** How a nearly singular C is treated. */
export interface MomentOptions {
  /**
   * Added to the diagonal, as a fraction of its mean. Left out, none is added where there are as many keys as
   * dimensions at least and C inverts; else the smallest of 1e-10, 1e-9 ... 1e-4 with which it does.
   */
  readonly ridge?: number;
}

const ridges = [0, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4] as const;

/**
 * Makes a second moment out of its mean: inverts it once, so that every later solve is a product.
 * @throws ErrataError `singular_statistics` where there are fewer keys than dimensions and no ridge was asked for, or
 * where no ridge helps
 */
export async function invertMoment(
  moment: Symmetric,
  provenance: Omit<MomentProvenance, 'format' | 'statistic' | 'centred' | 'jitter'>,
  options: MomentOptions = {},
): Promise<SecondMoment> {
  const { size } = moment;
  const { tokens, layer } = provenance;
  if (tokens < size && !options.ridge) {
    throw new ErrataError(
      'singular_statistics',
      `layer ${layer}: ${tokens} tokens cannot give ${size} independent keys; use more text, or give a ridge (--ridge 0.001)`,
      { details: { layer, tokens, needed: size } },
    );
  }
  const scale = diagonalOf(moment).reduce((sum, x) => sum + x, 0) / size;
  for (const ridge of options.ridge === undefined ? ridges : [options.ridge]) {
    const jitter = ridge * scale;
    const inverse = await inverseOrNull(moment, jitter);
    if (!inverse) continue;
    return {
      provenance: { format: secondMomentFormat, ...provenance, statistic: 'mean', centred: false, jitter },
      size,
      moment: wholeOf(moment).data,
      inverse: wholeOf(inverse).data,
    };
  }
  throw new ErrataError(
    'singular_statistics',
    `layer ${layer}: the second moment of ${tokens} keys is singular; use more text, or give a larger ridge (--ridge 0.001)`,
    {
      details: { layer, tokens, needed: size },
    },
  );
}

/** (C + jitter I)^-1; null where there is none. */
async function inverseOrNull(moment: Symmetric, jitter: number): Promise<Symmetric | null> {
  const inverse = symmetric(moment.size, moment.data.slice());
  addToDiagonal(inverse, jitter);
  try {
    await invertPositive(inverse);
    // No element of such a matrix is larger than all on its diagonal.
    return diagonalOf(inverse).every(Number.isFinite) ? inverse : null;
  } catch (error) {
    if (error instanceof GraphError && error.code === 'not_positive_definite') return null;
    throw error;
  }
}

/** Float64 matrices as raw safetensors entries. The bytes are shared, not copied. */
export const rawFloat64 = (shape: readonly number[], data: Float64Array): RawTensor => ({
  dtype: 'F64',
  shape,
  bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});

/** A float64 entry of a safetensors buffer, in memory of its own. */
export function readFloat64(file: SafetensorsFile, name: string): Float64Array {
  const { dtype, bytes } = file.readRaw(name);
  if (dtype !== 'F64') throw new ErrataError('blob_corrupt', `stored ${name} is ${dtype}, not F64`);
  return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
}

/** A second moment as a safetensors file: `moment` and `inverse` in F64, the provenance in its metadata. */
export function encodeSecondMoment({ moment, inverse, size, provenance }: SecondMoment): Uint8Array {
  const tensors = new Map([
    ['moment', rawFloat64([size, size], moment)],
    ['inverse', rawFloat64([size, size], inverse)],
  ]);
  return encodeSafetensors(tensors, { metadata: { provenance: canonicalJson(provenance) } });
}

/**
 * The inverse of {@link encodeSecondMoment}.
 * @throws ErrataError `blob_corrupt`; ModelError safetensors_*
 */
export function decodeSecondMoment(bytes: Uint8Array): SecondMoment {
  const file = parseSafetensors(bytes, 'second moment');
  const provenance = provenanceSchema.safeParse(parseMetadata(file.metadata.get('provenance')));
  if (!provenance.success) {
    throw new ErrataError('blob_corrupt', 'a stored second moment lacks its provenance', { cause: provenance.error });
  }
  const moment = readFloat64(file, 'moment');
  const inverse = readFloat64(file, 'inverse');
  const size = Math.sqrt(moment.length);
  if (!Number.isInteger(size) || inverse.length !== moment.length) {
    throw new ErrataError('blob_corrupt', `a stored second moment has ${moment.length} and ${inverse.length} elements`);
  }
  return { provenance: provenance.data, size, moment, inverse };
}

/** A JSON value kept in a safetensors file's metadata; undefined where it is absent or malformed. */
export function parseMetadata(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
