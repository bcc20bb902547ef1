// Importing a model directory: checked as a whole, described, and stored file by file.
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalBlobStore } from '@errata/blobs';
import { ErrataError } from '@errata/contracts';
import type { ModelDefaults } from '@errata/editors/catalogue';
import {
  type Checkpoint,
  checkParameters,
  type DecoderSpec,
  decoderSpec,
  endIds,
  loadChatTemplate,
  loadCheckpoint,
} from '@errata/models';
import { digestFile } from '../artefacts/file-digest.ts';
import type { EngineProgress, ModelFile, ModelInspection } from '../calls/index.ts';
import { defaultsFileName, readDefaults } from './model-defaults.ts';

export interface ImportOptions {
  readonly onProgress?: (progress: EngineProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Checks a model directory and says what it holds; with a store, also keeps every file of it as a blob. All values of all
 * weights are read once, so that a model with one NaN in it is refused here and not when it is served.
 * @throws ErrataError `not_a_model_directory`, `invalid_config` for errata.json, `corpus_missing`; ModelError
 */
export async function readModelDirectory(
  path: string,
  store: LocalBlobStore | undefined,
  { onProgress, signal }: ImportOptions = {},
): Promise<ModelInspection> {
  const checkpoint = await loadCheckpoint(path);
  try {
    const spec = decoderSpec(checkpoint.config, checkpoint.tensors.names);
    checkParameters(spec, (name) => (checkpoint.tensors.has(name) ? checkpoint.tensors.info(name).shape : undefined));
    checkVocabulary(spec, checkpoint);
    // Refused here, and not when the model is to write or to talk.
    endIds(checkpoint);
    loadChatTemplate(checkpoint);
    const defaults = readDefaults(path);
    checkWeights(spec, checkpoint, onProgress, signal);
    const names = fileNames(checkpoint, defaults);
    const files: ModelFile[] = [];
    for (const [index, name] of names.entries()) {
      signal?.throwIfAborted();
      onProgress?.({ stage: store === undefined ? 'reading' : 'storing', done: index, total: names.length });
      const file = join(path, name);
      files.push({ name, ...(store === undefined ? await digestFile(file) : await store.put(createReadStream(file))) });
    }
    return { ...describe(spec, checkpoint), digest: checkpoint.digest, files, defaults };
  } finally {
    checkpoint.close();
  }
}

function describe(spec: DecoderSpec, checkpoint: Checkpoint): Omit<ModelInspection, 'digest' | 'files' | 'defaults'> {
  return {
    model_type: spec.family,
    parameters: parameterCount(spec),
    layers: spec.layers,
    width: spec.width,
    vocabulary: spec.vocab,
    context: spec.context,
    has_tokenizer: checkpoint.tokenizer !== undefined,
  };
}

/** Elements of all parameters; a tied head counts once. */
export const parameterCount = (spec: DecoderSpec): number =>
  [...spec.parameters.values()].reduce((sum, dims) => sum + dims.reduce((product, n) => product * n, 1), 0);

function checkVocabulary(spec: DecoderSpec, { tokenizer, directory }: Checkpoint): void {
  if (tokenizer === undefined || tokenizer.vocabSize <= spec.vocab) return;
  throw new ErrataError(
    'invalid_checkpoint',
    `the tokenizer has ${tokenizer.vocabSize} tokens, the model only ${spec.vocab}: they do not belong together`,
    { details: { where: directory, tokenizer: tokenizer.vocabSize, model: spec.vocab } },
  );
}

function checkWeights(
  spec: DecoderSpec,
  checkpoint: Checkpoint,
  onProgress: ImportOptions['onProgress'],
  signal: AbortSignal | undefined,
): void {
  const names = [...spec.parameters.keys()];
  for (const [index, name] of names.entries()) {
    signal?.throwIfAborted();
    onProgress?.({ stage: 'checking', done: index, total: names.length });
    checkpoint.tensors.read(name);
  }
}

/** Everything that a copy of the model needs, in a fixed order. */
function fileNames(checkpoint: Checkpoint, defaults: ModelDefaults): string[] {
  const { directory, companionFiles } = checkpoint;
  const own = existsSync(join(directory, defaultsFileName)) ? [defaultsFileName] : [];
  const corpus = defaults.corpus === undefined ? [] : [defaults.corpus];
  return [...new Set(['config.json', ...weightFiles(directory), ...companionFiles, ...own, ...corpus])].sort();
}

/** Names of the weight files of a directory whose checkpoint has been opened, so that they are known to be sound. */
function weightFiles(directory: string): readonly string[] {
  if (existsSync(join(directory, 'model.safetensors'))) return ['model.safetensors'];
  const index = 'model.safetensors.index.json';
  const { weight_map: shards } = JSON.parse(readFileSync(join(directory, index), 'utf8')) as {
    readonly weight_map: Readonly<Record<string, string>>;
  };
  return [index, ...new Set(Object.values(shards))];
}
