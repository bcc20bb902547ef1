// Importing a model: opened wherever it comes from, checked as a whole, described, and stored file by file as a directory.
import { createReadStream, existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { LocalBlobStore } from '@errata/blobs';
import { ErrataError } from '@errata/contracts';
import type { ModelDefaults } from '@errata/editors/catalogue';
import {
  type Checkpoint,
  checkpointContents,
  checkTensors,
  type DecoderSpec,
  decoderSpec,
  endIds,
  loadChatTemplate,
  loadCheckpoint,
  openModelSource,
  parameterCount,
  remarksOn,
  writeCheckpoint,
} from '@errata/models';
import { digestFile } from '../artefacts/file-digest.ts';
import type { EngineProgress, GivenModel, ModelFile, ModelInspection } from '../calls/index.ts';
import { defaultsFileName, namedFiles, readDefaults } from './model-defaults.ts';

export interface ImportOptions {
  readonly onProgress?: (progress: EngineProgress) => void;
  readonly signal?: AbortSignal;
  /** Whether models may be had from the hub; true where left out. */
  readonly hub?: boolean | undefined;
}

/**
 * Checks a model and says what it holds; with a store, also keeps every file of it as a blob. What is no directory in Hugging Face
 * layout is made into one first. All values of all weights are read once, so that a model with one NaN in it is refused here and not
 * when it is served.
 * @throws ErrataError `not_a_model_directory`, `invalid_config` for errata.json, `corpus_missing`; ModelError
 */
export async function readModel(
  { path, base }: GivenModel,
  store: LocalBlobStore | undefined,
  options: ImportOptions = {},
): Promise<ModelInspection> {
  const { checkpoint, origin } = await openModelSource(path, { base, ...options });
  try {
    if (origin[0]!.format === 'safetensors') return { ...(await readCheckpoint(checkpoint, store, options)), origin };
    return await withWritten(checkpoint, options, async (written) => ({
      ...(await readCheckpoint(written, store, options)),
      origin,
    }));
  } finally {
    checkpoint.close();
  }
}

/** Runs `work` on a checkpoint written out as a directory, with the settings that lie beside it. */
async function withWritten<T>(
  checkpoint: Checkpoint,
  { onProgress }: ImportOptions,
  work: (written: Checkpoint) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'errata-import-'));
  try {
    const beside = [defaultsFileName, ...namedFiles(readDefaults(checkpoint.directory))].filter((name) =>
      existsSync(join(checkpoint.directory, name)),
    );
    const directory = join(folder, 'model');
    onProgress?.({ stage: 'converting', done: 0, total: 1 });
    await writeCheckpoint(directory, checkpointContents(checkpoint));
    for (const name of beside) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await copyFile(join(checkpoint.directory, name), join(directory, name));
    }
    const written = await loadCheckpoint(directory);
    try {
      return await work(written);
    } finally {
      written.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the files of a directory say of the model. */
async function readCheckpoint(
  checkpoint: Checkpoint,
  store: LocalBlobStore | undefined,
  { onProgress, signal }: ImportOptions,
): Promise<Omit<ModelInspection, 'origin'>> {
  const spec = decoderSpec(checkpoint.config, checkpoint.tensors.names);
  checkTensors(spec, checkpoint.tensors);
  checkVocabulary(spec, checkpoint);
  // Refused here, and not when the model is to write or to talk.
  endIds(checkpoint);
  loadChatTemplate(checkpoint);
  const defaults = readDefaults(checkpoint.directory);
  checkWeights(spec, checkpoint, onProgress, signal);
  const names = fileNames(checkpoint, defaults);
  const files: ModelFile[] = [];
  for (const [index, name] of names.entries()) {
    signal?.throwIfAborted();
    onProgress?.({ stage: store === undefined ? 'reading' : 'storing', done: index, total: names.length });
    const file = join(checkpoint.directory, name);
    files.push({ name, ...(store === undefined ? await digestFile(file) : await store.put(createReadStream(file))) });
  }
  const { digest } = checkpoint;
  return { ...describe(spec, checkpoint), digest, files, defaults, remarks: remarksOn(spec, checkpoint) };
}

function describe(
  spec: DecoderSpec,
  checkpoint: Checkpoint,
): Omit<ModelInspection, 'digest' | 'files' | 'defaults' | 'origin' | 'remarks'> {
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

function checkVocabulary(spec: DecoderSpec, { tokenizer, directory }: Checkpoint): void {
  if (tokenizer === undefined) return;
  const { vocabSize, addedTokens } = tokenizer;
  const beyond = Array.from({ length: Math.max(0, vocabSize - spec.vocab) }, (_, index) => spec.vocab + index);
  // Tokens that were added and never trained are common; a vocabulary that is larger is another model's.
  if (beyond.every((id) => addedTokens.has(id) || tokenizer.idToToken(id) === undefined)) return;
  throw new ErrataError(
    'invalid_checkpoint',
    `the tokenizer has ${vocabSize} tokens, the model only ${spec.vocab}: they do not belong together`,
    { details: { where: directory, tokenizer: vocabSize, model: spec.vocab } },
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
  const { directory, weightFiles, companionFiles } = checkpoint;
  const own = existsSync(join(directory, defaultsFileName)) ? [defaultsFileName] : [];
  return [...new Set(['config.json', ...weightFiles, ...companionFiles, ...own, ...namedFiles(defaults)])].sort();
}
