// The versions of one model as views: opened from the nearest state at hand, measured while they are, and stored whole when that pays.
import type { LocalBlobStore } from '@errata/blobs';
import {
  type DeltaReference,
  ErrataError,
  type SnapshotReference,
  snapshotDeltas,
  type VersionSource,
  versionId,
  versionIds,
} from '@errata/contracts';
import {
  type Delta,
  decodeDelta,
  decodeSnapshot,
  encodeSnapshot,
  type Model,
  openSafetensors,
  rowNamesOf,
  stateBytes,
  type View,
} from '@errata/models';
import { LRUCache } from 'lru-cache';
import type { ParamsOf, ResultOf } from '../calls/index.ts';

export interface Versions {
  view(source: VersionSource): Promise<View>;
  /** Opened from what is stored, whatever is held. */
  freshView(source: VersionSource): Promise<View>;
  snapshot(params: Omit<ParamsOf<'snapshot'>, 'model'>): Promise<ResultOf<'snapshot'>>;
  /** Names of the rows of memories that a delta brings. */
  rowNames(delta: DeltaReference): Promise<ReadonlySet<string>>;
  /** Opens these and keeps them, whatever else is opened, in place of those that were kept so before. */
  keepWarm(sources: readonly VersionSource[]): Promise<void>;
}

/** Versions of all models of a process that stay open as long as there is room, by id. */
export type KeptVersions = LRUCache<string, Opened>;

/**
 * @param budget bytes of what versions have of their own beside their models: the least recently used go where there is no room. The last
 * one stays, however large
 */
export const keptVersions = (budget: number): KeptVersions =>
  new LRUCache({ maxSize: budget, sizeCalculation: ({ view }) => Math.min(budget, 1 + stateBytes(view.state())) });

/** A version that is open, and what its deltas since the last state that is stored whole took to fetch and install, in ms. */
interface Opened {
  readonly view: View;
  readonly replayMs: number;
}

/** Deltas of which it is remembered which rows they bring. */
const deltasRemembered = 10_000;

/**
 * A snapshot pays as soon as the deltas since the last one take as long as loading it would. Opening a version then takes two loads
 * at most, or a load and `snapshotDeltas`, however many deltas there are: never twice what ten deltas take, unless one load takes
 * longer than those.
 *
 * @param loadRate bytes in a millisecond that the model itself was read, checked and unpacked at; snapshots measure their own
 */
export function makeVersions(
  blobs: LocalBlobStore,
  model: Model,
  digest: string,
  loadRate: number,
  kept: KeptVersions,
): Versions {
  const rowNames = new LRUCache<string, ReadonlySet<string>>({ max: deltasRemembered });
  let warm: ReadonlyMap<string, Opened> = new Map();
  const base: Opened = { view: model.view(), replayMs: 0 };
  let bytesPerMs = loadRate;

  const whole = async ({ version, blob }: SnapshotReference): Promise<Opened> => {
    const begun = performance.now();
    const view = await restored(version, blob);
    bytesPerMs = bytesPerMillisecond(stateBytes(view.state()), begun);
    const opened = { view, replayMs: 0 };
    kept.set(version, opened);
    return opened;
  };

  const restored = async (version: string, blob: string): Promise<View> => {
    const file = openSafetensors(await blobs.path(blob));
    try {
      const found = decodeSnapshot(file);
      if (found.model === digest && found.version === version) return model.restore(found.state);
      throw corrupt(blob, `snapshot ${blob} is of ${found.version}, not of ${version}`, {
        expected: version,
        found: found.version,
      });
    } finally {
      file.close();
    }
  };

  /** The latest state at hand: a view that is kept, or else the snapshot, or else the model as it was imported. */
  const nearest = async (
    source: VersionSource,
    ids: readonly string[],
  ): Promise<{ readonly from: Opened; readonly length: number }> => {
    for (let length = source.deltas.length; length >= 0; length--) {
      const found = warm.get(ids[length]!) ?? kept.get(ids[length]!);
      // A version that is stored whole has no deltas to replay, whatever it once took.
      if (found !== undefined) return { from: length === 0 ? { ...found, replayMs: 0 } : found, length };
    }
    return { from: source.snapshot === undefined ? base : await whole(source.snapshot), length: 0 };
  };

  const readDelta = async (kind: string, blob: string): Promise<Delta> => {
    const delta = decodeDelta(await blobs.get(blob), `delta ${blob}`);
    if (delta.kind === kind) return delta;
    throw corrupt(blob, `delta ${blob} is ${delta.kind}, the version says ${kind}`, {
      expected: kind,
      found: delta.kind,
    });
  };

  const readDeltas = async (references: VersionSource['deltas']): Promise<Delta[]> => {
    const deltas: Delta[] = [];
    for (const { kind, blob } of references) deltas.push(await readDelta(kind, blob));
    return deltas;
  };

  const requireModel = (source: VersionSource): void => {
    if (source.model === digest) return;
    throw new ErrataError('invalid_request', `the version is one of model ${source.model}, not of ${digest}`);
  };

  /** Versions that are being opened: who asks for one meanwhile gets the same. */
  const opening = new Map<string, Promise<Opened>>();

  const open = async (source: VersionSource): Promise<Opened> => {
    requireModel(source);
    const ids = versionIds(source);
    const id = ids.at(-1)!;
    const begun = opening.get(id) ?? openAnew(source, ids).finally(() => opening.delete(id));
    opening.set(id, begun);
    return begun;
  };

  const openAnew = async (source: VersionSource, ids: readonly string[]): Promise<Opened> => {
    const { from, length } = await nearest(source, ids);
    const begun = performance.now();
    const further = await readDeltas(source.deltas.slice(length));
    if (further.length === 0) return from;
    const view = from.view.with(further);
    const opened = { view, replayMs: from.replayMs + performance.now() - begun };
    kept.set(ids.at(-1)!, opened);
    return opened;
  };

  return {
    view: async (source) => (await open(source)).view,

    async freshView(source) {
      requireModel(source);
      const { snapshot, deltas } = source;
      const start = snapshot === undefined ? base.view : await restored(snapshot.version, snapshot.blob);
      return start.with(await readDeltas(deltas));
    },

    async rowNames({ kind, blob }) {
      const names = rowNames.get(blob) ?? new Set(rowNamesOf(await readDelta(kind, blob)));
      rowNames.set(blob, names);
      return names;
    },

    async keepWarm(sources) {
      const opened = new Map<string, Opened>();
      for (const source of sources) opened.set(versionId(source), await open(source));
      warm = opened;
    },

    async snapshot({ source, always = false }) {
      const { view, replayMs } = await open(source);
      const state = view.state();
      const loadMs = stateBytes(state) / bytesPerMs;
      const measured = { replay_ms: replayMs, load_ms: loadMs };
      const pays = source.deltas.length >= snapshotDeltas && replayMs >= loadMs;
      if (source.deltas.length === 0 || !(always || pays)) return { ...measured, stored: null };
      const version = versionId(source);
      const { sha256: blob, size: bytes } = await blobs.put(encodeSnapshot({ model: digest, version, state }));
      kept.set(version, { view, replayMs: 0 });
      return { ...measured, stored: { version, blob, bytes } };
    },
  };
}

/** Since a reading of `performance.now()`. */
export const bytesPerMillisecond = (bytes: number, begun: number): number =>
  bytes / Math.max(performance.now() - begun, 0.01);

const corrupt = (blob: string, message: string, details: Record<string, unknown>): ErrataError =>
  new ErrataError('blob_corrupt', message, { details: { blob, ...details } });
