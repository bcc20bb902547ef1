// The face of @errata/blobs.
export type { BlobEntry, BlobSource, BlobStat, BlobStore, LocalBlobStore } from './blobs.ts';
export { openDiskStore } from './disk.ts';
export {
  type BlobPlace,
  blobPlace,
  blobVariables,
  describePlace,
  openBlobs,
  type PlaceView,
  viewPlace,
} from './place.ts';
