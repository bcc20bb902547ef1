// A version as a GGUF file, as llama.cpp and this project's own reader load it.

import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { decoderSpec } from '../../architectures/index.ts';
import type { DecoderSpec } from '../../architectures/spec.ts';
import { ModelError } from '../../errors.ts';
import type { Checkpoint } from '../../files/checkpoint.ts';
import { type GgufArchitecture, ggufArchitectures } from '../../sources/gguf/architectures.ts';
import { readGguf } from '../../sources/gguf/index.ts';
import type { Rearrangement } from '../../sources/gguf/rearrange.ts';
import { type ExportForm, refuseExport } from '../form.ts';
import { withWiderMlps } from '../wider-mlps.ts';
import { type BlockEncoding, blockEncodings } from './blocks.ts';
import { architectureNames, describeDecoder } from './describe.ts';
import { disagreement } from './same-decoder.ts';
import { aligned, asRead, encodeHead, type PlannedTensor, type TypedMetadata, text, u32 } from './values.ts';
import { vocabularyOf } from './vocabulary.ts';

/** A tensor with how its values are made when its turn comes. */
interface LeavingTensor extends PlannedTensor {
  readonly bytesOf: () => Uint8Array;
}

export const ggufForm: ExportForm = {
  holds: ['neurons'],
  write(directory, version, { dtype }) {
    const { checkpoint, model, view, base, name } = withWiderMlps(version);
    const { spec } = model;
    const { name: architecture, names, rearranged } = architectureOf(spec);
    const encoding = blockEncodings[dtype];
    const { own, factors } = describeDecoder(spec, checkpoint.config);
    const vocabulary = vocabularyOf(checkpoint, spec.vocab);
    const metadata: TypedMetadata = {
      'general.architecture': text(architecture),
      'general.name': text(name === null ? base : `${base} ${name}`),
      'general.file_type': u32(encoding.fileType),
      'general.quantization_version': encoding.elements > 1 ? u32(2) : undefined,
      ...Object.fromEntries(Object.entries(own).map(([key, value]) => [`${architecture}.${key}`, value])),
      ...vocabulary.metadata,
    };
    const counts = metadata as Readonly<Record<string, { readonly value: number } | undefined>>;
    const count = (key: string): number =>
      (counts[`${architecture}.${key}`] ?? counts[`${architecture}.attention.head_count`])!.value;
    const tensors = new Map<string, LeavingTensor>();
    for (const [factor, values] of factors)
      tensors.set(
        factor,
        leaving(factor, [values.length], () => values, encoding),
      );
    for (const [ours, shape] of spec.parameters) {
      const { full, plain } = names(ours);
      const turn = rearranged[plain];
      const values = () =>
        turn?.stored(view.weight(ours) as Float32Array<ArrayBuffer>, shape, count) ?? view.weight(ours);
      tensors.set(full, leaving(full, turn?.shape(shape) ?? shape, values, encoding));
    }
    requireSaid(spec, checkpoint, metadata, tensors, factors);
    writeFile(join(directory, 'model.gguf'), metadata, tensors);
    return { remarks: vocabulary.remarks };
  },
};

/** The names of a file for the tensors of a family. @throws ModelError export_unsupported */
function architectureOf({ family, tokenEmbedding }: DecoderSpec) {
  const name = architectureNames[family];
  if (name === undefined)
    return refuseExport(
      'the model',
      `a ${family} has no architecture of GGUF here; written are ${Object.keys(architectureNames).join(', ')}`,
      'Export the version as a checkpoint, and convert it with llama.cpp',
    );
  const { outside, inside, block, rearranged = {} }: GgufArchitecture = ggufArchitectures[name]!;
  const theirs = (table: GgufArchitecture['outside']) =>
    new Map(Object.entries(table).map(([their, our]) => [our.slice(our.indexOf('.') + 1), their]));
  const last = block.slice(block.indexOf('.') + 1);
  const tables = {
    outside: theirs(outside),
    inside: new Map(Object.entries(inside).map(([their, our]) => [our, their])),
  };
  const names = (ours: string): { readonly full: string; readonly plain: string } => {
    if (ours === tokenEmbedding) return { full: 'token_embd.weight', plain: 'token_embd' };
    const [, layer, within, kind] = new RegExp(`(?:^|\\.)${last}\\.(\\d+)\\.(.+)\\.(weight|bias)$`).exec(ours) ?? [];
    if (layer !== undefined) {
      const plain = tables.inside.get(within!);
      if (plain !== undefined) return { full: `blk.${layer}.${plain}.${kind}`, plain };
    }
    const [, module, part] = /^(.+)\.(weight|bias)$/.exec(ours) ?? [];
    const plain =
      module === 'lm_head' ? 'output' : tables.outside.get(module?.slice(module.lastIndexOf('.') + 1) ?? '');
    if (plain !== undefined) return { full: `${plain}.${part}`, plain };
    return refuseExport(
      ours,
      `a GGUF file of the architecture ${name} has no name for it`,
      'Export the version as a checkpoint',
    );
  };
  return { name, names, rearranged: rearranged as Readonly<Record<string, Rearrangement | undefined>> };
}

/** Vectors, tables of positions and rows that no whole blocks fill stay in float32. */
function leaving(
  name: string,
  shape: readonly number[],
  values: () => Float32Array,
  wanted: BlockEncoding,
): LeavingTensor {
  const whole = shape.length === 1 || name.startsWith('position_embd') || shape.at(-1)! % wanted.elements !== 0;
  const { type, elements, bytes, encode } = whole ? blockEncodings.float32 : wanted;
  const count = shape.reduce((product, n) => product * n, 1);
  return { shape, type, bytes: (count / elements) * bytes, bytesOf: () => encode(name, values()) };
}

/**
 * Reads the head back before anything is written: what a reader would take for another model is refused.
 * @throws ModelError export_unsupported
 */
function requireSaid(
  spec: DecoderSpec,
  checkpoint: Checkpoint,
  metadata: TypedMetadata,
  tensors: ReadonlyMap<string, PlannedTensor>,
  factors: ReadonlyMap<string, Float32Array>,
): void {
  const hint = 'Export the version as a checkpoint';
  const read = readBack(() => readGguf(asRead(metadata, tensors, factors)), hint);
  const found = disagreement(spec, decoderSpec(read.config, read.tensors.keys()));
  if (found === undefined) return;
  const told = (value: unknown) => JSON.stringify(value)?.slice(0, 80) ?? 'nothing';
  refuseExport(
    checkpoint.config.model_type,
    `a GGUF file cannot say its ${found.at}: ${told(found.ours)} would be read as ${told(found.theirs)}`,
    hint,
  );
}

function readBack<T>(read: () => T, hint: string): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    return refuseExport('the model', `a GGUF file cannot say all of it: ${cause.what}`, hint);
  }
}

function writeFile(path: string, metadata: TypedMetadata, tensors: ReadonlyMap<string, LeavingTensor>): void {
  const descriptor = openSync(path, 'wx');
  let at = 0;
  const write = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.byteLength; )
      done += writeSync(descriptor, bytes, done, Math.min(bytes.byteLength - done, 1 << 30));
    at += bytes.byteLength;
  };
  try {
    write(encodeHead(metadata, tensors));
    for (const { bytesOf } of tensors.values()) {
      write(bytesOf());
      write(new Uint8Array(aligned(at) - at));
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
