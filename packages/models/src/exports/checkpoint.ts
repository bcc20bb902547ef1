// A version as a checkpoint in Hugging Face layout, in shards where it is large.

import { bytesOfSize, defaultShardSize } from '@errata/contracts';
import { fillCheckpoint, type floatDtypes, versionContents } from '../files/checkpoint-write.ts';
import type { ExportForm } from './form.ts';
import { withWiderMlps } from './wider-mlps.ts';

export const checkpointForm: ExportForm = {
  reported: false,
  holds: ['neurons'],
  write(directory, version, { dtype, shard_size = defaultShardSize }) {
    const { checkpoint, model, view } = withWiderMlps(version);
    fillCheckpoint(directory, versionContents(checkpoint, model, view), {
      dtype: dtype as keyof typeof floatDtypes,
      shardBytes: bytesOfSize(shard_size)!,
    });
    return {};
  },
};
