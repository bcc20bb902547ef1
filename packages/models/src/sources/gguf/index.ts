// A GGUF file, opened as the checkpoint that it was made from, in float32.

import { createHash } from 'node:crypto';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { canonicalJson } from '@errata/contracts';
import { fileKind, kindInWords, otherThanFile, readHead } from '@errata/host';
import { ModelError } from '../../errors.ts';
import type { Checkpoint, CheckpointConfig } from '../../files/checkpoint.ts';
import { tokenizerFromFiles } from '../../text/load-tokenizer.ts';
import { type ComputedTensor, computedTensors } from '../computed.ts';
import type { LocalForm } from '../source.ts';
import { type GgufArchitecture, ggufArchitectures } from './architectures.ts';
import { blockFormats } from './blocks.ts';
import { type GgufFile, openGguf } from './header.ts';
import { type Metadata, metadataOf } from './metadata.ts';
import { tokenizerFiles } from './tokenizer.ts';

/** Stands for what this reader makes of a file: it changes with every change of that, and with it the digests of models read so. */
const readingVersion = 2;

/** Recognised by its name. */
export const ggufForm: LocalForm = {
  format: 'gguf',
  recognises: (path) => /\.gguf$/i.test(path) && existsSync(path) && !statSync(path).isDirectory(),
  async open(path) {
    requireGguf(path);
    const file = openGguf(path);
    try {
      return { checkpoint: await checkpointOf(file) };
    } catch (error) {
      file.close();
      throw error;
    }
  },
};

/** @throws ModelError gguf_unreadable, gguf_malformed, for what is known to be another thing */
function requireGguf(path: string): void {
  const other = otherThanFile(statSync(path));
  if (other !== undefined)
    throw new ModelError('gguf_unreadable', { where: path, what: `it ${other}`, hint: 'Give the file itself' });
  const kind = fileKind(readHead(path));
  if (kind === undefined || kind === 'gguf') return;
  const hint = kind === 'lfs_pointer' ? 'Run git lfs pull, or download the file itself' : 'Download the file itself';
  throw new ModelError('gguf_malformed', { where: path, what: `it is ${kindInWords(kind)}`, hint });
}

/**
 * What a file amounts to.
 * @throws ModelError gguf_unsupported, gguf_malformed
 */
export function readGguf(file: GgufFile) {
  const metadata = metadataOf(file);
  const { name, architecture } = architectureOf(file, metadata);
  return {
    tensors: tensorsOf(file, name, architecture, metadata),
    config: configOf(file, name, architecture, metadata),
    files: tokenizerFiles(file.where, name, metadata),
  };
}

async function checkpointOf(file: GgufFile): Promise<Checkpoint> {
  const { tensors, config, files } = readGguf(file);
  const companions = new Map<string, Buffer>();
  if (files !== undefined) {
    companions.set('tokenizer.json', Buffer.from(JSON.stringify(files.tokenizer)));
    companions.set('tokenizer_config.json', Buffer.from(`${JSON.stringify(files.config, null, 2)}\n`));
  }
  const textOf = (name: string) => (name === 'config.json' ? JSON.stringify(config) : companions.get(name)?.toString());
  const digest = await digestOf(file.where);
  return {
    directory: dirname(file.where),
    config,
    tensors: computedTensors(file.where, tensors),
    tokenizer: files && tokenizerFromFiles(textOf, file.where),
    digest,
    weightsDigest: digest,
    weightFiles: [],
    companionFiles: [...companions.keys()],
    readCompanion: (name) => companions.get(name)!,
    close: file.close,
  };
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 4 << 20 })) hash.update(chunk as Buffer);
  return createHash('sha256')
    .update(canonicalJson({ gguf: hash.digest('hex'), reading: readingVersion }))
    .digest('hex');
}

function unsupported(where: string, what: string): never {
  throw new ModelError('gguf_unsupported', { where, what, hint: 'Take the model in Hugging Face layout' });
}

function architectureOf(file: GgufFile, metadata: Metadata): { name: string; architecture: GgufArchitecture } {
  const parts = metadata.number('split.count') ?? 1;
  if (parts > 1)
    unsupported(file.where, `it is one of ${parts} parts; put them together with llama-gguf-split --merge`);
  const name = metadata.text('general.architecture') ?? '';
  const architecture = Object.hasOwn(ggufArchitectures, name) ? ggufArchitectures[name]! : undefined;
  if (architecture === undefined)
    unsupported(
      file.where,
      `its architecture is ${JSON.stringify(name)}; read are ${Object.keys(ggufArchitectures).join(', ')}`,
    );
  if ((metadata.number(`${name}.expert_count`) ?? 0) > 0) unsupported(file.where, 'it is a mixture of experts');
  return { name, architecture };
}

/** Tensors that are no weights: `rope_` ones say how positions rotate. */
const notWeights = /^(rope_freqs|rope_factors_short|rope_factors_long)\.weight$|\.attn_rot_embd$/;

function valuesOf(file: GgufFile, name: string): Float32Array<ArrayBuffer> {
  const { shape, type, offset, bytes } = file.tensors.get(name)!;
  const values = new Float32Array(shape.reduce((product, n) => product * n, 1));
  blockFormats[type]!.decode(file.read(offset, bytes), values);
  return values;
}

/** The tensors by the names that a checkpoint has for them. */
function tensorsOf(
  file: GgufFile,
  architectureName: string,
  { outside, inside, block, rearranged = {} }: GgufArchitecture,
  metadata: Metadata,
): ReadonlyMap<string, ComputedTensor> {
  const count = (key: string): number =>
    metadata.uniform(`${architectureName}.${key}`) ?? metadata.needNumber(`${architectureName}.attention.head_count`);
  const tensors = new Map<string, ComputedTensor>();
  for (const [name, { shape }] of file.tensors) {
    if (notWeights.test(name)) continue;
    const [, layer, theirs, kind] = /^(?:blk\.(\d+)\.)?([a-z_]+)\.(weight|bias)$/.exec(name) ?? [];
    const table = layer === undefined ? outside : inside;
    const ours = theirs !== undefined && Object.hasOwn(table, theirs) ? table[theirs]! : undefined;
    if (ours === undefined)
      unsupported(
        file.where,
        `it has a tensor ${JSON.stringify(name.slice(0, 120))}, which ${architectureName} has not here`,
      );
    const rearrangement = Object.hasOwn(rearranged, theirs!) ? rearranged[theirs!] : undefined;
    tensors.set(`${layer === undefined ? '' : `${block}.${layer}.`}${ours}.${kind}`, {
      shape: rearrangement?.shape(shape) ?? shape,
      read: () => {
        const values = valuesOf(file, name);
        return rearrangement?.values(values, shape, count) ?? values;
      },
    });
  }
  return tensors;
}

function configOf(file: GgufFile, name: string, architecture: GgufArchitecture, metadata: Metadata): CheckpointConfig {
  const number = (key: string) => metadata.uniform(`${name}.${key}`);
  const embedding = file.tensors.get('token_embd.weight');
  if (embedding === undefined)
    throw new ModelError('gguf_malformed', {
      where: file.where,
      what: 'it has no embedding',
      hint: 'It may hold a vocabulary alone: take the file with the weights',
    });
  const config = architecture.config({
    metadata,
    number,
    need: (key) => number(key) ?? metadata.needNumber(`${name}.${key}`),
    vocabulary: embedding.shape[0]!,
    has: (tensor) => file.tensors.has(tensor),
    factors: (tensor) => (file.tensors.has(`${tensor}.weight`) ? valuesOf(file, `${tensor}.weight`) : undefined),
  });
  const ends = ['eos_token_id', 'eot_token_id'].map((key) => metadata.number(`tokenizer.ggml.${key}`));
  const endIds = [...new Set(ends.filter((id) => id !== undefined))];
  return {
    ...config,
    torch_dtype: 'float32',
    bos_token_id: metadata.number('tokenizer.ggml.bos_token_id') ?? null,
    eos_token_id: endIds.length > 1 ? endIds : (endIds[0] ?? null),
  } as CheckpointConfig;
}
