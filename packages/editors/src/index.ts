// The face of @errata/editors: the editors, their contract, and the artefacts they need.
export { openArtefacts } from './artefacts/artefacts.ts';
export { buildArtefacts } from './artefacts/build.ts';
export type { Artefacts, BuiltArtefact } from './artefacts/builder.ts';
export { localArtefacts } from './artefacts/local.ts';
export type { ArtefactStore } from './artefacts/store.ts';
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
export {
  embeddingDeviation,
  type FactTrace,
  subjectNoise,
  type TracedFact,
  traceFact,
} from './locate/causal-tracing.ts';
export {
  type Effects,
  meanEffects,
  type Recommendation,
  recommendLayer,
  type TracedFacts,
} from './locate/effects.ts';
export { summarizeTracing } from './locate/summary.ts';
export {
  type TokenKind,
  type TracedSite,
  type TracingSummary,
  tokenKinds,
  tracedSites,
  tracingSummarySchema,
} from './locate/told.ts';
export { traceFacts } from './locate/trace-facts.ts';
export { type MadeDelta, type MadeEdits, type Making, makeEdits, withOutcome } from './make-edits.ts';
export type { ValueSite } from './search/suffix-loss.ts';
export {
  type FoundOffset,
  type PreparedSearch,
  prepareSearch,
  type SearchProblem,
  searchValues,
} from './search/value-search.ts';
export { prefixTexts } from './texts/prefix-texts.ts';
export { type ContextSequence, type EditSequences, editSequences } from './texts/sequences.ts';
