// The models that this process holds, and their versions as views.
import type { LocalBlobStore } from '@errata/blobs';
import {
  canonicalJson,
  type DeltaReference,
  ErrataError,
  sha256,
  type VersionSource,
  versionId,
} from '@errata/contracts';
import type { ModelDefaults, ModelShape } from '@errata/editors/catalogue';
import { type AnswerCache, createAnswerCache } from '@errata/evaluation';
import {
  batchBytes,
  type ChatTemplate,
  type Checkpoint,
  type DecoderSpec,
  decoderSpec,
  endIds,
  loadChatTemplate,
  loadCheckpoint,
  type Model,
  openModel,
  parameterCount,
  type Tokenizer,
  usualLimits,
  usualPrefixBytes,
  type View,
  workingBytes,
} from '@errata/models';
import { LRUCache } from 'lru-cache';
import type { ModelReference, ParamsOf, ResultOf } from '../calls/index.ts';
import { bytesPerMillisecond, type KeptVersions, keptVersions, makeVersions } from '../versions/open-versions.ts';
import { baselineMb, requireMemory } from './memory.ts';
import { readDefaults } from './model-defaults.ts';
import { withModelDirectory } from './model-directory.ts';

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
  /** How it reads conversations; undefined for a model that was not taught to. */
  readonly chatTemplate: ChatTemplate | undefined;
  /** The model's own corpus as a file; undefined where it brought none. */
  corpus(): Promise<string | undefined>;
  /** The artefact of a kind that the model brought along; undefined where it brought none. */
  readonly brought: (kind: string) => Promise<Uint8Array | undefined>;
  /**
   * A version. Equal versions give the same view as long as it is kept.
   * @throws ErrataError `blob_missing`, `blob_corrupt`, `invalid_request` for a version of another model
   */
  view(version: VersionSource): Promise<View>;
  /** The same, opened from what is stored, whatever is held. */
  freshView(version: VersionSource): Promise<View>;
  /** Has these versions open, whatever else is opened, in place of those that were kept so before. @throws as {@link OpenModel.view} */
  keepWarm(versions: readonly VersionSource[]): Promise<void>;
  /** Names of the rows of memories that a delta brings. @throws ErrataError `blob_missing`, `blob_corrupt` */
  rowNames(delta: DeltaReference): Promise<ReadonlySet<string>>;
  /** Answers of a version that were given before. */
  answers(version: VersionSource): AnswerCache;
  /** Stores a version whole if that pays. @throws as {@link OpenModel.view}; `storage_full`, `storage_failed` */
  snapshot(params: Omit<ParamsOf<'snapshot'>, 'model'>): Promise<ResultOf<'snapshot'>>;
}

/** MiB that an engine may use. */
export interface StoreBudget {
  readonly memoryMb: number;
  /** Of these, for what versions have of their own beside their models. */
  readonly versionsMb: number;
  /** Of these, for keys and values of what each model is writing. */
  readonly batchMb: number;
}

export interface ModelStore {
  /**
   * @throws ErrataError `insufficient_memory` with the numbers, `blob_missing`, `blob_corrupt`; {@link NeedsFreshProcess}
   */
  open(reference: ModelReference): Promise<OpenModel>;
  /** Opens these versions and keeps them, and no others that were kept so before. @throws as {@link OpenModel.view} */
  keepWarm(versions: ParamsOf<'keepWarm'>['versions']): Promise<void>;
}

/** What is asked for fits the memory budget, but not beside what this process already holds. */
export class NeedsFreshProcess extends Error {
  override readonly name = 'NeedsFreshProcess';
}

const answerCachesKept = 4;

export function createModelStore(blobs: LocalBlobStore, { memoryMb, versionsMb, batchMb }: StoreBudget): ModelStore {
  const mostBatchBytes = batchMb * 2 ** 20;
  const kept = keptVersions(versionsMb * 2 ** 20);
  const open = new Map<string, { readonly needMb: number; readonly model: OpenModel }>();
  /** Models that are being loaded: who asks for one meanwhile gets the same. */
  const loading = new Map<string, Promise<OpenModel>>();

  const makeRoom = (spec: DecoderSpec): number => {
    const parameters = parameterCount(spec);
    const written = batchBytes(spec, { ...usualLimits, bytes: mostBatchBytes });
    const needMb = Math.ceil((workingBytes(parameters) + written + usualPrefixBytes(written)) / 2 ** 20);
    requireMemory({ parameters, mb: needMb }, { mb: memoryMb, advice: 'raise ENGINE_MEMORY_MB' });
    // Freed sessions give little back, so that a process which needs room is replaced rather than emptied.
    const held = [...open.values()].reduce((sum, entry) => sum + entry.needMb, 0);
    if (held > 0 && baselineMb + held + needMb > memoryMb) throw new NeedsFreshProcess();
    return needMb;
  };

  const load = (reference: ModelReference, key: string): Promise<OpenModel> => {
    const begun = performance.now();
    return withModelDirectory(blobs, reference.files, async (directory) => {
      const checkpoint = await loadCheckpoint(directory);
      try {
        const needMb = makeRoom(decoderSpec(checkpoint.config, checkpoint.tensors.names));
        const model = requireDigest(
          makeOpenModel(blobs, reference, checkpoint, {
            defaults: readDefaults(directory),
            begun,
            kept,
            batchBytes: mostBatchBytes,
          }),
          reference,
        );
        open.set(key, { needMb, model });
        return model;
      } finally {
        checkpoint.close();
      }
    });
  };

  const openModelOf = async (reference: ModelReference): Promise<OpenModel> => {
    const key = sha256(canonicalJson(reference.files));
    const known = open.get(key);
    if (known !== undefined) return requireDigest(known.model, reference);
    const begun = loading.get(key) ?? load(reference, key).finally(() => loading.delete(key));
    loading.set(key, begun);
    return requireDigest(await begun, reference);
  };

  return {
    open: openModelOf,
    async keepWarm(versions) {
      const byModel = new Map<OpenModel, VersionSource[]>([...open.values()].map(({ model }) => [model, []]));
      for (const { model, version } of versions) {
        const opened = await openModelOf(model);
        byModel.set(opened, [...(byModel.get(opened) ?? []), version]);
      }
      for (const [model, sources] of byModel) await model.keepWarm(sources);
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
  {
    defaults,
    begun,
    kept,
    batchBytes,
  }: {
    readonly defaults: ModelDefaults;
    readonly begun: number;
    readonly kept: KeptVersions;
    readonly batchBytes: number;
  },
): OpenModel {
  const model = openModel(checkpoint, { batchBytes, contents: (sha256) => blobs.get(sha256) });
  const { digest, config } = checkpoint;
  const loadRate = bytesPerMillisecond(model.weightBytes, begun);
  const versions = makeVersions(blobs, model, digest, loadRate, kept);
  const answers = new LRUCache<string, AnswerCache>({ max: answerCachesKept });

  return {
    digest,
    model,
    shape: { model_type: config.model_type, layers: model.spec.layers, width: model.spec.width },
    defaults,
    endIds: endIds(checkpoint),
    chatTemplate: loadChatTemplate(checkpoint),
    tokenizer() {
      if (model.tokenizer !== undefined) return model.tokenizer;
      throw new ErrataError('tokenizer_missing', 'the model was imported without a tokenizer');
    },
    async corpus() {
      const file = files.find(({ name }) => name === defaults.corpus);
      return file === undefined ? undefined : blobs.path(file.sha256);
    },
    async brought(kind) {
      const named: Readonly<Record<string, string | undefined>> = defaults.artefacts ?? {};
      const file = files.find(({ name }) => name === named[kind]);
      return file === undefined ? undefined : blobs.get(file.sha256);
    },
    view: versions.view,
    freshView: versions.freshView,
    snapshot: versions.snapshot,
    rowNames: versions.rowNames,
    async keepWarm(sources) {
      await versions.keepWarm(sources);
      // The programs that answers run are compiled with the first of them.
      for (const source of sources) await (await versions.view(source)).generate([[0]], { maxTokens: 2 });
    },
    answers(version) {
      const id = versionId(version);
      const cache = answers.get(id) ?? createAnswerCache();
      answers.set(id, cache);
      return cache;
    },
  };
}
