// The face of @errata/editors: the editors, their contract, and the artefacts they need.
export {
  type ArtefactStore,
  type Artefacts,
  contextPrefixesKey,
  memoryArtefactStore,
  openArtefacts,
  secondMomentKey,
} from './artefacts.ts';
export { edit } from './edit.ts';
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
export { type MadeDelta, type MadeEdits, type Making, makeEdits, withOutcome } from './make-edits.ts';
export {
  type FoundOffset,
  type PreparedSearch,
  prepareSearch,
  type SearchProblem,
  searchValues,
  type ValueSite,
} from './search/value-search.ts';
export { tokenWindows } from './statistics/corpus.ts';
export {
  buildSecondMoments,
  checkpointWindows,
  decodeMomentSums,
  encodeMomentSums,
  type MomentProgress,
  type MomentRequest,
  type MomentSums,
} from './statistics/moment-sums.ts';
export {
  decodeSecondMoment,
  encodeSecondMoment,
  invertMoment,
  type MomentOptions,
  type MomentProvenance,
  type SecondMoment,
} from './statistics/second-moment.ts';
export {
  type ContextPrefixes,
  decodeContextPrefixes,
  encodeContextPrefixes,
  type PrefixSettings,
  prefixSampler,
  sampleContextPrefixes,
} from './texts/context-prefixes.ts';
export { contextPrefixes } from './texts/preparation.ts';
export { type ContextSequence, type EditSequences, editSequences } from './texts/sequences.ts';
