// Deltas: what an edit leaves behind, how it is stored, and how it is installed on the base weights.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type DecoderSpec, findMatrix, type MatrixRef } from '../architectures/spec.ts';
import { ModelError } from '../errors.ts';
import {
  encodeSafetensors,
  parseSafetensors,
  type SafetensorsFile,
  type WritableTensor,
} from '../files/safetensors.ts';
import {
  type CodebookDelta,
  type CodebookRows,
  type CodebookRowsDelta,
  changedCodebook,
  codebookKeySite,
  emptyCodebook,
  placeName,
  replacements,
} from './codebooks.ts';

/** Adds left·right to a linear map: y = x·(W + left·right). Independent of how the checkpoint stores W. */
export interface LowRankDelta {
  readonly kind: 'low_rank';
  /** Checkpoint name of the weight. */
  readonly tensor: string;
  readonly rank: number;
  /** `[in, rank]` */
  readonly left: Float32Array;
  /** `[rank, out]` */
  readonly right: Float32Array;
}

/** Adds an array to any parameter. */
export interface DenseDelta {
  readonly kind: 'dense';
  readonly tensor: string;
  /** Shaped and laid out as the checkpoint stores the parameter. */
  readonly data: Float32Array;
}

/** Any delta. */
export type Delta = LowRankDelta | DenseDelta | CodebookDelta | CodebookRowsDelta;

function malformed(where: string, what: string, cause?: unknown): never {
  throw new ModelError('delta_malformed', { where, what, hint: 'Compute or fetch the delta again', cause });
}

function misfit(where: string, what: string): never {
  throw new ModelError('delta_misfit', { where, what, hint: 'Use the delta with the model it was made for' });
}

const format = 'errata-delta/1';

const bookHeader = {
  format: z.literal(format),
  site: z.enum(Object.keys(codebookKeySite) as [keyof typeof codebookKeySite]),
  layer: z.string().regex(/^\d+$/),
  labels: z.string(),
  /** Left out where every row replaces the last output alone, as all did before there was a choice. */
  replacements: z.string().optional(),
};

const headerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ format: z.literal(format), kind: z.literal('low_rank'), tensor: z.string().min(1) }),
  z.strictObject({ format: z.literal(format), kind: z.literal('dense'), tensor: z.string().min(1) }),
  z.strictObject({ ...bookHeader, kind: z.literal('codebook') }),
  z.strictObject({ ...bookHeader, kind: z.literal('codebook_rows'), replaces: z.string(), resized: z.string() }),
]);

/** Lists that lie in the metadata as JSON. */
const lists = {
  labels: z.array(z.string()),
  replacements: z.array(z.enum(replacements)),
  replaces: z.array(
    z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .nullable(),
  ),
  resized: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
};

/**
 * A delta as safetensors bytes. Equal deltas give equal bytes, so a digest of them is the delta's identity.
 * @throws ModelError delta_malformed, safetensors_non_finite
 */
export function encodeDelta(delta: Delta): Uint8Array<ArrayBuffer> {
  checkSizes(delta);
  const write = (metadata: Record<string, string>, tensors: Record<string, WritableTensor>) =>
    encodeSafetensors(new Map(Object.entries(tensors)), {
      metadata: { format, kind: delta.kind, ...metadata },
      where: 'delta',
    });
  switch (delta.kind) {
    case 'low_rank':
      return write(
        { tensor: delta.tensor },
        {
          left: { shape: [delta.left.length / delta.rank, delta.rank], data: delta.left },
          right: { shape: [delta.rank, delta.right.length / delta.rank], data: delta.right },
        },
      );
    case 'dense':
      return write({ tensor: delta.tensor }, { data: { shape: [delta.data.length], data: delta.data } });
    case 'codebook':
      return write(rowsMetadata(delta), rowsTensors(delta));
    case 'codebook_rows': {
      const { replaces, resized, resizedRadii } = delta;
      return write(
        { ...rowsMetadata(delta), replaces: JSON.stringify(replaces), resized: JSON.stringify(resized) },
        { ...rowsTensors(delta), resized_radii: { shape: [resized.length], data: resizedRadii } },
      );
    }
  }
}

function rowsMetadata({ site, layer, labels, replacements: chosen }: CodebookRows): Record<string, string> {
  const told = chosen.every((replacement) => replacement === 'last') ? {} : { replacements: JSON.stringify(chosen) };
  return { site, layer: `${layer}`, labels: JSON.stringify(labels), ...told };
}

function rowsTensors({ keySize, valueSize, keys, values, radii }: CodebookRows): Record<string, WritableTensor> {
  const n = radii.length;
  return {
    keys: { shape: [n, keySize], data: keys },
    values: { shape: [n, valueSize], data: values },
    radii: { shape: [n], data: radii },
  };
}

function checkSizes(delta: Delta): void {
  if (delta.kind === 'low_rank') {
    const { tensor, rank, left, right } = delta;
    if (!Number.isInteger(rank) || rank < 1 || left.length % rank !== 0 || right.length % rank !== 0)
      malformed(tensor, `factors of ${left.length} and ${right.length} elements do not have rank ${rank}`);
    return;
  }
  if (delta.kind === 'dense') return;
  const { keySize, valueSize, keys, values, radii, labels, replacements: chosen } = delta;
  const n = radii.length;
  if (keys.length !== n * keySize || values.length !== n * valueSize || labels.length !== n || chosen.length !== n)
    malformed(placeName(delta), 'keys, values, radii and labels do not have the same number of entries');
  if (delta.kind === 'codebook') return;
  if (delta.replaces.length !== n || delta.resized.length !== delta.resizedRadii.length)
    malformed(placeName(delta), 'rows and what they replace, or resized rows and their radii, are not as many');
}

function shapeOf(file: SafetensorsFile, name: string, rank: number): readonly number[] {
  const shape = file.tensors.get(name)?.shape;
  if (shape?.length !== rank) malformed(file.where, `${name} is missing or does not have ${rank} axes`);
  return shape!;
}

function parseList<T>(schema: z.ZodType<T>, text: string, where: string, name: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    return malformed(where, `its list of ${name} cannot be read`, cause);
  }
}

/**
 * Reads {@link encodeDelta}'s bytes; nothing about them is trusted.
 * @throws ModelError delta_malformed, safetensors_*
 */
export function decodeDelta(bytes: Uint8Array, where = 'delta'): Delta {
  const file = parseSafetensors(bytes, where);
  const parsed = headerSchema.safeParse(Object.fromEntries(file.metadata));
  if (!parsed.success)
    return malformed(where, `metadata: ${parsed.error.issues[0]?.path.join('.')} ${parsed.error.issues[0]?.message}`);
  const header = parsed.data;
  if (header.kind === 'dense') {
    shapeOf(file, 'data', 1);
    return { kind: 'dense', tensor: header.tensor, data: file.read('data') };
  }
  if (header.kind === 'low_rank') {
    const [left, right] = [shapeOf(file, 'left', 2), shapeOf(file, 'right', 2)];
    if (left[1] !== right[0] || left[1] === 0) malformed(where, 'the factors do not multiply');
    const { tensor } = header;
    return { kind: 'low_rank', tensor, rank: left[1]!, left: file.read('left'), right: file.read('right') };
  }
  const labels = parseList(lists.labels, header.labels, where, 'labels');
  const rows: CodebookRows = {
    site: header.site,
    layer: Number(header.layer),
    keySize: shapeOf(file, 'keys', 2)[1]!,
    valueSize: shapeOf(file, 'values', 2)[1]!,
    keys: file.read('keys'),
    values: file.read('values'),
    radii: file.read('radii'),
    labels,
    replacements:
      header.replacements === undefined
        ? labels.map(() => 'last' as const)
        : parseList(lists.replacements, header.replacements, where, 'replacements'),
  };
  const delta: Delta =
    header.kind === 'codebook'
      ? { kind: 'codebook', ...rows }
      : {
          kind: 'codebook_rows',
          ...rows,
          replaces: parseList(lists.replaces, header.replaces, where, 'replaced rows'),
          resized: parseList(lists.resized, header.resized, where, 'resized rows'),
          resizedRadii: file.read('resized_radii'),
        };
  checkSizes(delta);
  return delta;
}

/** sha256 (hex) of a delta's bytes: its content address. */
export function deltaDigest(delta: Delta): string {
  return createHash('sha256').update(encodeDelta(delta)).digest('hex');
}

/** Checks that a delta fits a model. @throws ModelError delta_misfit, delta_malformed */
export function checkDelta(spec: DecoderSpec, delta: Delta): void {
  checkSizes(delta);
  if (delta.kind === 'codebook' || delta.kind === 'codebook_rows') {
    const where = placeName(delta);
    const keySize = delta.site === 'mlp_pre' ? spec.width : spec.mlpWidth;
    const valueSize = delta.site === 'mlp_pre' ? spec.mlpWidth : spec.width;
    if (!(delta.layer >= 0 && delta.layer < spec.layers)) misfit(where, `the model has ${spec.layers} layers`);
    if (delta.keySize !== keySize || delta.valueSize !== valueSize)
      misfit(
        where,
        `keys and values have sizes ${delta.keySize} and ${delta.valueSize}, not ${keySize} and ${valueSize}`,
      );
    return;
  }
  const shape = spec.parameters.get(delta.tensor) ?? misfit(delta.tensor, 'the model has no parameter of that name');
  if (delta.kind === 'dense') {
    const count = shape.reduce((a, b) => a * b, 1);
    if (delta.data.length !== count) misfit(delta.tensor, `it has ${delta.data.length} elements, not ${count}`);
    return;
  }
  const matrix = findMatrix(spec, delta.tensor) ?? misfit(delta.tensor, 'the parameter is not a linear map');
  const [inSize, outSize] = [delta.left.length / delta.rank, delta.right.length / delta.rank];
  if (inSize !== matrix.inSize || outSize !== matrix.outSize)
    misfit(delta.tensor, `it maps ${inSize} to ${outSize}, the weight ${matrix.inSize} to ${matrix.outSize}`);
}

/** `[rows, columns]` to `[columns, rows]`. */
function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j]!;
  return out;
}

/** A delta as a sum over `rank` of a column of `a` times a row of `b`, whichever way round the stored matrix lies; or as it is. */
type Addend = Float32Array | { readonly rank: number; readonly a: Float32Array; readonly b: Float32Array };

function addendOf(delta: LowRankDelta | DenseDelta, matrix: MatrixRef | undefined, rows: number): Addend {
  if (delta.kind === 'dense') return delta.data;
  const { rank, left, right } = delta;
  if (matrix?.orientation === 'in_out') return { rank, a: left, b: right };
  return { rank, a: transposed(right, rank, rows), b: transposed(left, left.length / rank, rank) };
}

/**
 * Adds deltas to one parameter in place, in order. Each element's sum over a delta's rank runs in float64 in a fixed order and is
 * rounded once, so that the result is the same bytes on every machine. The loop over rows is the outer one: elements do not touch
 * each other, so the order of what is added to each stays, and a row is read once for all deltas instead of once for each.
 */
function install(spec: DecoderSpec, deltas: readonly (LowRankDelta | DenseDelta)[], weight: Float32Array): void {
  const matrix = findMatrix(spec, deltas[0]!.tensor);
  const straight = matrix?.orientation === 'in_out';
  const rows = matrix === undefined ? 1 : straight ? matrix.inSize : matrix.outSize;
  const columns = weight.length / rows;
  const addends = deltas.map((delta) => addendOf(delta, matrix, rows));
  const sums = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    const row = weight.subarray(i * columns, (i + 1) * columns);
    for (const addend of addends) {
      if (addend instanceof Float32Array) {
        for (let j = 0, k = i * columns; j < columns; j++, k++) row[j]! += addend[k]!;
        continue;
      }
      const { rank, a, b } = addend;
      sums.fill(0);
      for (let r = 0; r < rank; r++) {
        const scale = a[i * rank + r]!;
        const from = r * columns;
        for (let j = 0; j < columns; j++) sums[j]! += scale * b[from + j]!;
      }
      for (let j = 0; j < columns; j++) row[j]! += sums[j]!;
    }
  }
}

/** The weights that deltas change, and the codebooks that act, on top of those of a parent. */
export interface Installed {
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** In the order of `site layer`. */
  readonly codebooks: readonly CodebookDelta[];
}

/**
 * W = W0 + Σ deltas in order, in float32, on fresh copies. Because each delta is added to an already rounded sum, installing
 * further deltas on a parent's weights gives the same bytes as installing all of them on the base.
 * @param base W0 by name
 * @throws ModelError delta_misfit, delta_malformed
 */
export function installDeltas(
  spec: DecoderSpec,
  base: (name: string) => Float32Array,
  deltas: readonly Delta[],
  parent: Installed = { weights: new Map(), codebooks: [] },
): Installed {
  const codebooks = new Map(parent.codebooks.map((book) => [placeName(book), book]));
  const byTensor = new Map<string, (LowRankDelta | DenseDelta)[]>();
  for (const delta of deltas) {
    checkDelta(spec, delta);
    if (delta.kind === 'codebook') {
      codebooks.set(placeName(delta), delta);
      continue;
    }
    if (delta.kind === 'codebook_rows') {
      const before = codebooks.get(placeName(delta)) ?? emptyCodebook(delta, delta.keySize, delta.valueSize);
      codebooks.set(placeName(delta), changedCodebook(before, delta));
      continue;
    }
    const known = byTensor.get(delta.tensor);
    if (known === undefined) byTensor.set(delta.tensor, [delta]);
    else known.push(delta);
  }
  const weights = new Map(parent.weights);
  for (const [tensor, own] of byTensor) {
    const weight = (weights.get(tensor) ?? base(tensor)).slice();
    install(spec, own, weight);
    weights.set(tensor, weight);
  }
  return {
    weights,
    codebooks: [...codebooks].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, book]) => book),
  };
}

/** Checks that a state fits a model, and returns it. @throws ModelError delta_misfit, delta_malformed */
export function checkState(spec: DecoderSpec, state: Installed): Installed {
  for (const [tensor, data] of state.weights) checkDelta(spec, { kind: 'dense', tensor, data });
  for (const book of state.codebooks) checkDelta(spec, book);
  return state;
}
