// The face of @errata/evaluation: what a version answers, how answers are scored, what a gate is given.

export { type AbilitySuite, abilitySuite } from './ability/suite.ts';
export {
  type AbilityScores,
  type AbilityTask,
  type AbilityTaskId,
  abilityTasks,
  type ChoiceTask,
  type ItemOf,
  type ReadingTask,
} from './ability/tasks.ts';
export { type AnswerCache, createAnswerCache, type Reading } from './asking/answers.ts';
export { defaultPerplexityTokens, heldTokens, perplexityOf, readHeldText } from './asking/perplexity.ts';
export {
  type EditQuestions,
  type Question,
  questionsOfEdit,
  type RivalQuestions,
  type RivalRole,
} from './asking/questions.ts';
export {
  type CandidateEvaluation,
  type EvaluationInput,
  evaluateCandidate,
  evaluationResults,
  type MadeEdit,
  scoreAgreement,
  scoreAnswer,
} from './cases/evaluate-candidate.ts';
export { evaluateCases } from './cases/evaluate-cases.ts';
export type { Measurement } from './cases/measurements.ts';
export type { CasesInput } from './cases/results.ts';
export { itemsOfCase, questionsOfItem, type SuiteWishes, suiteItemsOf } from './datasets/as-suite.ts';
export type {
  AcceptedAnswer,
  DatasetCase,
  GenerationProbes,
  Hop,
  MultiHopCase,
  References,
  RippleCase,
  RippleCriterion,
  RippleQuery,
  RippleTest,
} from './datasets/cases.ts';
export { layouts } from './datasets/catalogue.ts';
export { type AnsweredEdit, type DistinctEdits, distinctEdits } from './datasets/distinct-edits.ts';
export type {
  EntailmentItem,
  EntailmentLabel,
  MultipleChoiceItem,
  QuestionItem,
  ReadingItem,
  SuiteItem,
  SuiteItemKind,
} from './datasets/items.ts';
export type { DatasetContent, Layout } from './datasets/layout.ts';
export { firstRecord, type OwnRecords, ownRecords } from './datasets/own-records.ts';
export {
  type DatasetRecord,
  detectLayout,
  type OpenDataset,
  openDataset,
  readDataset,
} from './datasets/read-dataset.ts';
export { readReferences, withReferences } from './datasets/references.ts';
export { type DatasetRule, datasetRules, type FieldNote } from './datasets/rules.ts';
export {
  type DatasetReport,
  type LoadedDataset,
  loadDataset,
  type RecordNote,
  type SurveyOptions,
  surveyDataset,
} from './datasets/survey.ts';
export { withTextPrompts } from './datasets/text-prompts.ts';
export { type GateInput, measureForGate } from './gate-measurements.ts';
export { textEntropy } from './metrics/entropy.ts';
export { exactMatch, firstSentence } from './metrics/exact-match.ts';
export { harmonicMean } from './metrics/means.ts';
export { fitTfidf, type Tfidf } from './metrics/tfidf.ts';
export { words } from './metrics/words.ts';
export type { EvaluationOptions, EvaluationProgress } from './options.ts';
export { measureMultiHop } from './probes/multi-hop.ts';
export type { CaseMeasurements, Probing } from './probes/probing.ts';
export { measureRipples } from './probes/ripples.ts';
export { measureSuite, type SuiteProbing } from './probes/suite.ts';
export { measureTexts, referencesOf, type TextProbing } from './probes/texts.ts';
export type { PreparedEditor, ProtocolRun, RunOptions, RunProgress } from './protocols/inputs.ts';
export {
  cellsOf,
  type Matrix,
  type MatrixCell,
  type MatrixInput,
  parseMatrix,
  slugOf,
} from './protocols/matrix.ts';
export { watchMemory } from './protocols/peak-memory.ts';
export { makeManifest, type RunLine, type RunManifest, type Unit } from './protocols/run-directory.ts';
export { runProtocol } from './protocols/run-protocol.ts';
export { metricTables } from './report/metric-tables.ts';
export { leadsOf, reportPage } from './report/page.ts';
export { makeReport, type Report } from './report/report.ts';
export { comparableRuns, type ReportRun, type RunLabels, type RunWithRows, reportRun } from './report/runs.ts';
export { type RunFindings, type RunSummary, readFindings, summariseRun } from './report/summary.ts';
export { formatNumber, type Table as ReportTable, withoutGaps } from './report/table.ts';
export { type DefaultLayers, type TracingReport, tracingPage, tracingSummary } from './report/tracing-page.ts';
export { type TrainingCourse, trainingCourse, trainingPage } from './report/training-page.ts';
export { type VersionReport, versionPage } from './report/version-page.ts';
export { type ReportedRun, writeReport } from './report/write-report.ts';
export { type Aggregate, aggregate } from './statistics/aggregate.ts';
export { relativeChange, relativeNorm } from './statistics/change.ts';
export { type CaseDifference, type Comparison, compareRuns } from './statistics/compare.ts';
export { robustZ } from './statistics/outliers.ts';
export { type RunMetric, runMetrics } from './statistics/run-metrics.ts';
export { layerCandidates } from './tuning/candidates.ts';
export { type Trial, type Tuning, type TuningScore, tuneEditor } from './tuning/tune.ts';
