// The face of @errata/editors: the editors, their contract, and the artefacts they need.
export {
  type ArtefactStore,
  type Artefacts,
  contextPrefixesKey,
  memoryArtefactStore,
  openArtefacts,
  secondMomentKey,
} from './artefacts.ts';
export type {
  DeltaNorms,
  EditDiagnostics,
  EditOutcome,
  Editor,
  EditorDelta,
  EditorInput,
  EditorOptions,
  EditorProgress,
  EditorResult,
  EditRequest,
  LossTerms,
} from './editor.ts';
export {
  type ContextPrefixes,
  decodeContextPrefixes,
  encodeContextPrefixes,
  type PrefixSettings,
  prefixSampler,
  sampleContextPrefixes,
} from './locate/context-prefixes.ts';
export { tokenWindows } from './locate/corpus.ts';
export {
  buildSecondMoments,
  checkpointWindows,
  decodeMomentSums,
  encodeMomentSums,
  type MomentProgress,
  type MomentRequest,
  type MomentSums,
} from './locate/moment-sums.ts';
export { contextPrefixes } from './locate/preparation.ts';
export {
  decodeSecondMoment,
  encodeSecondMoment,
  invertMoment,
  type MomentOptions,
  type MomentProvenance,
  type SecondMoment,
} from './locate/second-moment.ts';
export { type EditSequences, editSequences, type TargetSequence } from './locate/sequences.ts';
export {
  type FoundOffset,
  type PreparedSearch,
  prepareSearch,
  type SearchProblem,
  searchValues,
  type ValueSite,
} from './locate/value-search.ts';
export { edit, editors, secondMomentLayers } from './registry.ts';
