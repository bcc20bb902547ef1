// The one artefact of a build that makes one.
import type { ArtefactBuilder } from './builder.ts';

export async function firstBuilt(built: ReturnType<ArtefactBuilder['build']>) {
  for await (const one of built) return one;
  throw new Error('nothing was built');
}
