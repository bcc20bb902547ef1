// A trained transform as a file: its networks, and all that is needed to run gradients through them.
import { ErrataError } from '@errata/contracts';
import { type DecoderSpec, encodeSafetensors, ModelError, parseSafetensors } from '@errata/models';
import { z } from 'zod';
import { transformFormats, transformMethods } from './methods.ts';
import { type TransformSpec, transformSpec } from './transform.ts';

const headerSchema = z.strictObject({
  model: z.string().min(1),
  method: z.enum(transformMethods),
  layers: z.array(z.int().min(0)).min(1),
  rank: z.int().min(1),
  details: z.record(z.string(), z.unknown()),
});

/** A transform, as it is stored. */
export interface StoredTransform extends z.output<typeof headerSchema> {
  /** Parameters and statistics, by name. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** A transform that fits a model. */
export interface Transform {
  readonly spec: TransformSpec;
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** As safetensors bytes. */
export function encodeTransform({ weights, ...header }: StoredTransform): Uint8Array {
  const tensors = [...weights].map(([name, data]) => [name, { shape: [data.length], data }] as const);
  return encodeSafetensors(new Map(tensors), {
    metadata: { format: transformFormats[header.method], header: JSON.stringify(header) },
    where: 'transform',
  });
}

/** Reads that; nothing about it is trusted, but sizes are for {@link transformFor}. @throws ErrataError `blob_corrupt` */
export function decodeTransform(bytes: Uint8Array, where = 'the transform'): StoredTransform {
  try {
    const file = parseSafetensors(bytes, where);
    const header = headerSchema.parse(JSON.parse(file.metadata.get('header') ?? ''));
    const format = transformFormats[header.method];
    if (file.metadata.get('format') !== format) throw new Error(`${where}: its format is not ${format}`);
    return { ...header, weights: new Map([...file.tensors.keys()].map((name) => [name, file.read(name)])) };
  } catch (cause) {
    const what = cause instanceof ModelError || cause instanceof Error ? cause.message : String(cause);
    throw new ErrataError('blob_corrupt', `${where} cannot be read: ${what}`, { cause });
  }
}

/** The transform as it runs for a model. @throws ErrataError `blob_corrupt` where it does not fit */
export function transformFor({ method, layers, rank, weights }: StoredTransform, decoder: DecoderSpec): Transform {
  const fitting = layers.filter((layer) => layer < decoder.layers);
  const spec = transformSpec(method, decoder, fitting, rank);
  const all = [...spec.parameters, ...spec.statistics];
  const misfit = all.find(([name, dims]) => weights.get(name)?.length !== dims.reduce((a, b) => a * b, 1));
  if (misfit !== undefined || fitting.length < layers.length || weights.size !== all.length)
    throw new ErrataError('blob_corrupt', `the transform does not fit the model: ${misfit?.[0] ?? 'its layers'}`);
  return { spec, weights };
}
