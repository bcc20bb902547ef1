// What was changed of a model elsewhere, as deltas of it: by an adapter, whose products stay products, or by training a copy of its weights.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { canonicalJson, type ModelOrigin } from '@errata/contracts';
import { decoderSpec } from '../architectures/index.ts';
import { type DecoderSpec, findMatrix } from '../architectures/spec.ts';
import type { ChangeDelta } from '../deltas/change-file.ts';
import type { DenseDelta } from '../deltas/dense.ts';
import { ModelError } from '../errors.ts';
import { checkTensors } from '../files/missing-tensors.ts';
import { openSafetensors } from '../files/safetensors.ts';
import type { Model } from '../running/model.ts';
import { adapterChanges } from './adapter/changes.ts';
import { readAdapterConfig, refuseAdapter } from './adapter/config.ts';
import { adapterFiles, adapterForm } from './adapter/index.ts';
import { addChange, productOf } from './adapter/merge.ts';
import { openModelSource } from './index.ts';

/** Where a change comes from. */
export interface ChangeSource {
  readonly format: ModelOrigin['format'];
  /** sha256 (hex) over all files that the change follows from. */
  readonly digest: string;
  /** The files, with the sha256 of each where it is known. */
  readonly files: readonly { readonly name: string; readonly sha256?: string }[];
}

/** What a model is compared with: its base weights, and what they are. */
export type ChangedModel = Pick<Model, 'spec' | 'base'>;

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/**
 * Names a change without reading what it is.
 * @param path of this machine: a directory in Hugging Face layout, the directory of an adapter, or a GGUF file
 * @throws ModelError as opening it does
 */
export async function identifyChange(path: string): Promise<ChangeSource> {
  if (isAdapter(path)) {
    const files = Object.values(adapterFiles(path)).map((file) => ({
      name: basename(file),
      sha256: sha256(readFileSync(file)),
    }));
    return { format: 'adapter', digest: sha256(canonicalJson(files)), files };
  }
  const { checkpoint, origin } = await openModelSource(path, { hub: false });
  const { digest, weightFiles } = checkpoint;
  checkpoint.close();
  return { format: origin[0]!.format, digest, files: weightFiles.map((name) => ({ name })) };
}

const isAdapter = (path: string): boolean => adapterForm.recognises(path);

/**
 * What was changed, in the order of the model's parameters. Of an adapter the products are taken as they are; of a copy the differences
 * of parameters that differ, which added to the base give the copy's to within rounding.
 * @throws ModelError as opening it does; `change_misfit` where it is no change of this model; adapter_*
 */
export async function readChange(
  path: string,
  model: ChangedModel,
  signal?: AbortSignal,
): Promise<readonly ChangeDelta[]> {
  const deltas = isAdapter(path) ? ofAdapter(path, model) : await ofCopy(path, model, signal);
  if (deltas.length === 0) misfit(path, 'none of its weights differs from those of the model');
  return deltas;
}

function ofAdapter(path: string, { spec, base }: ChangedModel): readonly ChangeDelta[] {
  const { config, weights } = adapterFiles(path);
  const adapter = openSafetensors(weights);
  try {
    const { whole, products, biases } = adapterChanges(adapter, readAdapterConfig(config), {
      has: (name) => spec.parameters.has(name),
      shapeOf: (name) => spec.parameters.get(name)!,
    });
    const deltas: ChangeDelta[] = [];
    if (spec.tied && [...whole.keys(), ...products.map(({ tensor }) => tensor)].includes(spec.tokenEmbedding))
      refuseAdapter(weights, 'it changes the embedding of a model whose head is tied to it, and the head is to stay');
    for (const [tensor, { read }] of whole) deltas.push(...difference(tensor, base(tensor), read()));
    for (const { tensor, change } of products) {
      const matrix = findMatrix(spec, tensor);
      if (matrix !== undefined) deltas.push({ kind: 'low_rank', tensor, ...productOf(change, matrix.orientation) });
      else {
        const data = new Float32Array(base(tensor).length);
        addChange(data, change);
        deltas.push({ kind: 'dense', tensor, data });
      }
    }
    for (const { tensor, values, scale } of biases)
      deltas.push({ kind: 'dense', tensor, data: values.read().map((value) => scale * value) });
    return inOrder(spec, deltas);
  } finally {
    adapter.close();
  }
}

async function ofCopy(
  path: string,
  { spec, base }: ChangedModel,
  signal?: AbortSignal,
): Promise<readonly ChangeDelta[]> {
  const { checkpoint } = await openModelSource(path, { hub: false });
  try {
    const own = decoderSpec(checkpoint.config, checkpoint.tensors.names);
    checkTensors(own, checkpoint.tensors);
    requireSameShape(path, spec, own);
    const deltas: ChangeDelta[] = [];
    for (const tensor of spec.parameters.keys()) {
      signal?.throwIfAborted();
      deltas.push(...difference(tensor, base(tensor), checkpoint.tensors.read(tensor)));
    }
    return deltas;
  } finally {
    checkpoint.close();
  }
}

function requireSameShape(path: string, spec: DecoderSpec, own: DecoderSpec): void {
  if (own.family !== spec.family) misfit(path, `it is a ${own.family}, and the model is a ${spec.family}`);
  const names = new Set([...spec.parameters.keys(), ...own.parameters.keys()]);
  for (const name of names) {
    const [there, here] = [own.parameters.get(name), spec.parameters.get(name)];
    if (there?.join() === here?.join()) continue;
    const said = (shape: readonly number[] | undefined) => (shape === undefined ? 'none' : `[${shape}]`);
    misfit(path, `${name}: it has ${said(there)}, and the model has ${said(here)}`);
  }
}

function difference(tensor: string, before: Float32Array, after: Float32Array): readonly DenseDelta[] {
  const data = after.map((value, i) => value - before[i]!);
  return data.some((value) => value !== 0) ? [{ kind: 'dense', tensor, data }] : [];
}

function inOrder(spec: DecoderSpec, deltas: readonly ChangeDelta[]): readonly ChangeDelta[] {
  const places = new Map([...spec.parameters.keys()].map((name, place) => [name, place]));
  // What was saved whole comes before what is added to it: the order of equals stays.
  return [...deltas].sort((a, b) => places.get(a.tensor)! - places.get(b.tensor)!);
}

function misfit(where: string, what: string): never {
  throw new ModelError('change_misfit', {
    where,
    what,
    hint: 'Give an adapter that was trained on this model, or a copy of it with other weights',
  });
}
