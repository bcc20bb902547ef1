// A LoRA adapter as PEFT saves it, opened as its base with the adapter merged into it.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '@errata/contracts';
import { decoderSpec } from '../../architectures/index.ts';
import { ModelError } from '../../errors.ts';
import type { Checkpoint } from '../../files/checkpoint.ts';
import { makeFinder } from '../../files/model-files.ts';
import { openSafetensors } from '../../files/safetensors.ts';
import { loadTokenizer, tokenizerFileNames } from '../../text/load-tokenizer.ts';
import { computedTensors } from '../computed.ts';
import type { LocalForm, OpenedModel, OpenOther } from '../source.ts';
import { mergedTensors } from './changes.ts';
import { type AdapterConfig, readAdapterConfig, refuseAdapter } from './config.ts';

const configName = 'adapter_config.json';
const weightsName = 'adapter_model.safetensors';

/**
 * Recognised by its configuration, unless whole weights lie beside it. The base is the one given, else the one that the adapter names:
 * a path, from the adapter's directory on, or a name on the hub. Where the adapter brings a tokenizer, that is the model's.
 */
export const adapterForm: LocalForm = {
  format: 'adapter',
  recognises: (path) =>
    existsSync(join(path, configName)) &&
    !['model.safetensors', 'model.safetensors.index.json'].some((name) => existsSync(join(path, name))),
  async open(path, { base: given }, openOther) {
    const { config: file, weights } = adapterFiles(path);
    const config = readAdapterConfig(file);
    const base = await openBase(path, config, given, openOther);
    try {
      return { checkpoint: mergeOnto(path, weights, config, base.checkpoint), base: base.origin };
    } catch (error) {
      base.checkpoint.close();
      throw error;
    }
  },
};

/** The files that an adapter is. @throws ModelError adapter_weights_missing */
export function adapterFiles(path: string): { readonly config: string; readonly weights: string } {
  const find = makeFinder(path);
  return { config: find(configName)!, weights: find(weightsName) ?? refuseWeights(path) };
}

function refuseWeights(path: string): never {
  const pickled = existsSync(join(path, 'adapter_model.bin'));
  throw new ModelError('adapter_weights_missing', {
    where: path,
    what: pickled
      ? 'the adapter is pickled; loading a pickle can run code, so it is not read'
      : `there is no ${weightsName}`,
    hint: 'Save the adapter with PEFT in safetensors form: model.save_pretrained(dir)',
  });
}

async function openBase(
  path: string,
  { base_model_name_or_path: named }: AdapterConfig,
  given: string | undefined,
  openOther: OpenOther,
): Promise<OpenedModel> {
  const unknown = (what: string, cause?: unknown): never => {
    throw new ModelError('adapter_base_unknown', {
      where: join(path, configName),
      what,
      hint: 'Give the base model yourself (--base, or the field base of the API)',
      cause,
    });
  };
  if (given !== undefined) return openOther(given, 'user');
  if (!named) return unknown('base_model_name_or_path is empty');
  try {
    return await openOther(named, 'model');
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    return unknown(`its base ${JSON.stringify(named)} cannot be opened (${cause.what})`, cause);
  }
}

function mergeOnto(path: string, weights: string, config: AdapterConfig, base: Checkpoint): Checkpoint {
  const adapter = openSafetensors(weights);
  try {
    const merged = mergedTensors(adapter, config, base.tensors);
    const spec = decoderSpec(base.config, base.tensors.names);
    if (spec.tied && merged.has(spec.tokenEmbedding)) {
      refuseAdapter(weights, 'it changes the embedding of a model whose head is tied to it, and the head is to stay');
    }
    const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
    const weightsDigest = sha256(
      canonicalJson({ base: base.weightsDigest, adapter: sha256(readFileSync(weights)), config }),
    );
    const find = makeFinder(path);
    const own = tokenizerFileNames.filter((name) => find(name) !== undefined);
    const brings = own.includes('tokenizer.json');
    const kept = base.companionFiles.filter((name) => !(tokenizerFileNames as readonly string[]).includes(name));
    return {
      ...base,
      tensors: computedTensors(path, merged, base.tensors),
      ...(brings && { tokenizer: loadTokenizer(path) }),
      digest: sha256(
        canonicalJson({
          base: base.digest,
          weights: weightsDigest,
          tokenizer: brings ? own.map((name) => sha256(readFileSync(find(name)!))) : null,
        }),
      ),
      weightsDigest,
      ...(brings && {
        companionFiles: [...own, ...kept],
        readCompanion: (name: string) =>
          (own as readonly string[]).includes(name) ? readFileSync(find(name)!) : base.readCompanion(name),
      }),
      close() {
        adapter.close();
        base.close();
      },
    };
  } catch (error) {
    adapter.close();
    throw error;
  }
}
