// The blob store: bytes named by their sha256. Whoever reads gets the bytes that were named, or an error.

/** What a store is given: all at once, or piece by piece. */
export type BlobSource = Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface BlobStat {
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

export interface BlobEntry extends BlobStat {
  /** When the blob was last put; a collector spares what is young. */
  readonly storedAt: Date;
}

/**
 * Errors of every method: `storage_full` when there is no room, `storage_failed` when the medium failed; after either nothing
 * half-written can be read.
 */
export interface BlobStore {
  /** Stores bytes durably and names them. Storing what is there already is cheap and harmless. */
  put(source: BlobSource): Promise<BlobStat>;
  /** The bytes, checked against their name: `blob_missing`, `blob_corrupt`. */
  get(sha256: string): Promise<Buffer>;
  /** Reads a blob piece by piece and compares it with its name: `blob_missing`, `blob_corrupt`. */
  verify(sha256: string): Promise<void>;
  has(sha256: string): Promise<boolean>;
  /** Null when it is not there. Does not read the content. */
  stat(sha256: string): Promise<BlobEntry | null>;
  /** All blobs, in order of their names. */
  list(): AsyncIterable<BlobEntry>;
  /**
   * False when it was not there, or `storedAt` is no longer what is given: whoever puts a blob while it is being deleted finds it
   * there afterwards.
   */
  delete(sha256: string, options?: { readonly ifStoredAt?: Date }): Promise<boolean>;
}

/** A store whose blobs are files on this machine. */
export interface LocalBlobStore extends BlobStore {
  /**
   * The file that holds a blob, for readers that map it into memory, after checking its content against its name.
   * `blob_missing`, `blob_corrupt`. A blob's file never changes, so `check: 'size'`, which only looks at its length, is enough for
   * one that this process has verified before.
   */
  path(sha256: string, check?: 'content' | { readonly size: number }): Promise<string>;
}
