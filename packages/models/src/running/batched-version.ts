// A version as a batch sees it.

import type { StandIn } from '../deltas/reading.ts';
import type { Forward } from './forward.ts';
import type { OwnMatrices } from './own-matrices.ts';

/** A version as a batch sees it. What is kept of its texts is kept by its identity. */
export interface BatchedVersion {
  /** Its own pass. */
  readonly forward: Forward;
  /** Whether a memory acts at an activation of its prompts: each is then read whole, and by itself. */
  readonly actsOnPrompts: boolean;
  /** What it has of its own beside the base; undefined for one that shares too little with others to run beside them. */
  readonly own: OwnMatrices | undefined;
  /** Who may answer in its place; left out where nobody does. */
  readonly standIn?: ((prompt: readonly number[]) => Promise<StandIn | null>) | undefined;
}
