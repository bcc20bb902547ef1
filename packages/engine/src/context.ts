// What every method of the engine is given beside its parameters.
import type { EngineProgress } from './calls/index.ts';

/** One call: where it reports to, and whether it is still wanted. */
export interface CallContext {
  readonly onProgress: (progress: EngineProgress) => void;
  /** Checked between runs of a graph, none of which can be interrupted. */
  readonly signal: AbortSignal;
}

/** A call that gives parts of its result as they come. */
export interface CallInParts<Part> extends CallContext {
  readonly onPart: (part: Part) => void;
}
