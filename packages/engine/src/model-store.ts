// The models that this process holds, and their versions as views.
import type { LocalBlobStore } from '@errata/blobs';
import {
  canonicalJson,
  ErrataError,
  type Manifest,
  type ModelDefaults,
  type ModelShape,
  sha256,
  versionId,
} from '@errata/contracts';
import { type AnswerCache, createAnswerCache } from '@errata/evaluation';
import {
  type Checkpoint,
  type Delta,
  decodeDelta,
  decoderSpec,
  loadCheckpoint,
  type Model,
  openModel,
  type Tokenizer,
  type View,
} from '@errata/models';
import { parameterCount } from './import-model.ts';
import { readDefaults } from './model-defaults.ts';
import { withModelDirectory } from './model-directory.ts';
import type { ModelReference } from './protocol.ts';

/** A model that is held in memory. */
export interface OpenModel {
  readonly digest: string;
  readonly model: Model;
  readonly shape: ModelShape;
  readonly defaults: ModelDefaults;
  /** Tokens that end a text. */
  readonly endIds: readonly number[];
  /** @throws ErrataError `tokenizer_missing` */
  tokenizer(): Tokenizer;
  /** The model's own corpus as a file; undefined where it brought none. */
  corpus(): Promise<string | undefined>;
  /**
   * A version. Equal manifests give the same view as long as it is kept.
   * @throws ErrataError `blob_missing`, `blob_corrupt`, `invalid_request` for a manifest of another model
   */
  view(manifest: Manifest): Promise<View>;
  /** Answers of a version that were given before. */
  answers(manifest: Manifest): AnswerCache;
}

export interface ModelStore {
  /**
   * @throws ErrataError `insufficient_memory` with the numbers, `blob_missing`, `blob_corrupt`; {@link NeedsFreshProcess}
   */
  open(reference: ModelReference): Promise<OpenModel>;
}

/** What is asked for fits the memory budget, but not beside what this process already holds. */
export class NeedsFreshProcess extends Error {
  override readonly name = 'NeedsFreshProcess';
}

/**
 * Memory that working with a model takes, by its weights in float32: the weights themselves, and copies of them in the
 * sessions of the forward graph, of the suffix graph of a value search and of the graph that captures activations. Freed
 * sessions give little of it back, so that a process which needs room is replaced rather than emptied.
 */
const weightCopies = 4;
/**
 * The runtime and what a batch in flight takes: a process with a tiny model was measured at 175 MiB, one that edits and
 * evaluates a model of 2.3 M parameters at 630 MiB at its peak.
 */
const baselineMb = 512;

const viewsKept = 8;
const answerCachesKept = 4;

export function createModelStore(blobs: LocalBlobStore, memoryMb: number): ModelStore {
  const open = new Map<string, { readonly needMb: number; readonly model: OpenModel }>();

  const makeRoom = (parameters: number): number => {
    const needMb = Math.ceil((weightCopies * 4 * parameters) / 2 ** 20);
    if (baselineMb + needMb > memoryMb) {
      throw new ErrataError(
        'insufficient_memory',
        `the model needs about ${baselineMb + needMb} MiB and the engine may use ${memoryMb} MiB; raise ENGINE_MEMORY_MB`,
        { details: { parameters, needed_mb: baselineMb + needMb, budget_mb: memoryMb } },
      );
    }
    const held = [...open.values()].reduce((sum, entry) => sum + entry.needMb, 0);
    if (held > 0 && baselineMb + held + needMb > memoryMb) throw new NeedsFreshProcess();
    return needMb;
  };

  return {
    async open(reference) {
      const key = sha256(canonicalJson(reference.files));
      const known = open.get(key);
      if (known !== undefined) return requireDigest(known.model, reference);
      return withModelDirectory(blobs, reference.files, async (directory) => {
        const checkpoint = await loadCheckpoint(directory);
        try {
          const needMb = makeRoom(parameterCount(decoderSpec(checkpoint.config, checkpoint.tensors.names)));
          const model = requireDigest(makeOpenModel(blobs, reference, checkpoint, readDefaults(directory)), reference);
          open.set(key, { needMb, model });
          return model;
        } finally {
          checkpoint.close();
        }
      });
    },
  };
}

function requireDigest(model: OpenModel, { digest }: ModelReference): OpenModel {
  if (model.digest === digest) return model;
  throw new ErrataError('invalid_request', `the files are those of model ${model.digest}, not of ${digest}`, {
    details: { expected: digest, found: model.digest },
  });
}

function makeOpenModel(
  blobs: LocalBlobStore,
  { files }: ModelReference,
  checkpoint: Checkpoint,
  defaults: ModelDefaults,
): OpenModel {
  const model = openModel(checkpoint);
  const { digest, config } = checkpoint;
  const views = makeKept<View>(viewsKept);
  const answers = makeKept<AnswerCache>(answerCachesKept);
  const baseOnly = model.view();

  /** The longest kept version that this one begins with: only what comes after it has to be installed. */
  const nearest = (manifest: Manifest): { readonly view: View; readonly length: number } => {
    for (let length = manifest.deltas.length; length > 0; length--) {
      const view = views.get(versionId({ ...manifest, deltas: manifest.deltas.slice(0, length) }));
      if (view !== undefined) return { view, length };
    }
    return { view: baseOnly, length: 0 };
  };

  return {
    digest,
    model,
    shape: { model_type: config.model_type, layers: model.spec.layers, width: model.spec.width },
    defaults,
    endIds: [...new Set([model.tokenizer?.eosId, config.eos_token_id].flat())].filter((id) => typeof id === 'number'),
    tokenizer() {
      if (model.tokenizer !== undefined) return model.tokenizer;
      throw new ErrataError('tokenizer_missing', 'the model was imported without a tokenizer');
    },
    async corpus() {
      const file = files.find(({ name }) => name === defaults.corpus);
      return file === undefined ? undefined : blobs.path(file.sha256);
    },
    async view(manifest) {
      if (manifest.model !== digest) {
        throw new ErrataError('invalid_request', `the version is one of model ${manifest.model}, not of ${digest}`);
      }
      const { view, length } = nearest(manifest);
      const further: Delta[] = [];
      for (const { kind, blob } of manifest.deltas.slice(length)) {
        const delta = decodeDelta(await blobs.get(blob), `delta ${blob}`);
        if (delta.kind !== kind) {
          throw new ErrataError('blob_corrupt', `delta ${blob} is ${delta.kind}, the version says ${kind}`, {
            details: { blob, expected: kind, found: delta.kind },
          });
        }
        further.push(delta);
      }
      const version = further.length === 0 ? view : view.with(further);
      if (manifest.deltas.length > 0) views.set(versionId(manifest), version);
      return version;
    },
    answers(manifest) {
      const id = versionId(manifest);
      const cache = answers.get(id) ?? createAnswerCache();
      answers.set(id, cache);
      return cache;
    },
  };
}

interface Kept<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
}

/** Keeps the `limit` values that were used last. */
function makeKept<T>(limit: number): Kept<T> {
  const entries = new Map<string, T>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      const oldest = entries.keys().next();
      if (entries.size > limit && !oldest.done) entries.delete(oldest.value);
    },
  };
}
