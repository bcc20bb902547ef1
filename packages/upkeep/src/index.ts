// The face of @errata/upkeep: what looks after database and blobs together.
export { type Backup, makeBackup, restoreBackup } from './backup.ts';
export { type CheckOptions, checkEverything, type UpkeepProgress } from './check.ts';
export { type CollectOptions, collectGarbage } from './collect.ts';
export { type Folded, makeSnapshots, type Snapshots, type SnapshotsOptions } from './snapshots.ts';
