// Where artefacts are kept without a service, and what a build leaves meanwhile.

/** A place for named bytes: a folder, or a Map. */
export interface ArtefactStore {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
}

/** A store that lives and dies with its owner. */
export function memoryArtefactStore(): ArtefactStore {
  const kept = new Map<string, Uint8Array>();
  return {
    get: async (key) => kept.get(key),
    put: async (key, bytes) => {
      kept.set(key, bytes);
    },
    delete: async (key) => {
      kept.delete(key);
    },
  };
}
