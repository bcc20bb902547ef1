// The face of @errata/evaluation: what a version answers, how answers are scored, what a gate is given.

export {
  type AbilityMeans,
  type AbilityOptions,
  type AbilityResult,
  type AbilityRow,
  measureAbility,
  type SkippedItem,
} from './ability/measure.ts';
export { type AbilityPlace, abilityResults } from './ability/results.ts';
export { type AbilityCache, createAbilityCache } from './ability/score-items.ts';
export { normaliseSquad, squadExact, squadF1 } from './ability/squad.ts';
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
  distinctQuestions,
  type EditQuestions,
  type Question,
  questionKey,
  questionsOfEdit,
  type RivalQuestions,
  type RivalRole,
  rivalRoles,
} from './asking/questions.ts';
export {
  type CandidateEvaluation,
  type EditWork,
  type EvaluationInput,
  evaluateCandidate,
  evaluationResults,
  scoreAgreement,
  scoreAnswer,
} from './cases/evaluate-candidate.ts';
export { evaluateCases } from './cases/evaluate-cases.ts';
export { type Measurement, rowOf } from './cases/measurements.ts';
export type { CasesInput } from './cases/results.ts';
export { itemsOfCase, questionsOfItem, type SuiteWishes, suiteItemsOf } from './datasets/as-suite.ts';
export {
  type AcceptedAnswer,
  type DatasetCase,
  type GenerationProbes,
  type Hop,
  type MultiHopCase,
  type References,
  type RippleCase,
  type RippleCriterion,
  type RippleQuery,
  type RippleTest,
  rippleCriteria,
} from './datasets/cases.ts';
export { layouts, requireLayout } from './datasets/catalogue.ts';
export { type AnsweredEdit, type DistinctEdits, distinctEdits } from './datasets/distinct-edits.ts';
export {
  type EntailmentItem,
  type EntailmentLabel,
  entailmentLabels,
  type MultipleChoiceItem,
  type QuestionItem,
  type ReadingItem,
  type SuiteItem,
  type SuiteItemKind,
} from './datasets/items.ts';
export type { DatasetContent, Layout } from './datasets/layout.ts';
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
export { tokenAgreement } from './metrics/agreement.ts';
export { ngramEntropy, textEntropy } from './metrics/entropy.ts';
export { exactMatch, firstSentence } from './metrics/exact-match.ts';
export { harmonicMean, mean, meanScore } from './metrics/means.ts';
export { type MultiHopAnswers, type MultiHopScores, multiHopScores } from './metrics/multi-hop.ts';
export { allOccur } from './metrics/occurrence.ts';
export { type Preference, preference, type Rivals } from './metrics/probability.ts';
export { type RippleAnswers, type RippleScore, rippleScore } from './metrics/ripple.ts';
export { fitTfidf, type Tfidf } from './metrics/tfidf.ts';
export { words } from './metrics/words.ts';
export type { EvaluationOptions, EvaluationProgress } from './options.ts';
export { measureProbes, type ProbesInput } from './probes/measure-probes.ts';
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
export {
  checkpointsOf,
  defaultCheckpoints,
  type Protocol,
  type ProtocolInput,
  type ProtocolKind,
  protocolKinds,
  protocolSchema,
} from './protocols/protocol.ts';
export {
  makeManifest,
  type RunLine,
  type RunManifest,
  readLines,
  readManifest,
  runDigest,
  type Unit,
} from './protocols/run-directory.ts';
export { manifestOf, runProtocol } from './protocols/run-protocol.ts';
export {
  compareWithFirst,
  type Lead,
  leadsAmong,
  type MetricDifference,
  type RunComparison,
} from './report/compared.ts';
export { metricTables } from './report/metric-tables.ts';
export { leadsOf, reportPage } from './report/page.ts';
export { makeReport, type Report } from './report/report.ts';
export { comparableRuns, type ReportRun, type RunLabels, type RunWithRows, reportRun } from './report/runs.ts';
export { type RunFindings, type RunSummary, readFindings, summarise, summariseRun } from './report/summary.ts';
export { formatNumber, type Table as ReportTable, withoutGaps } from './report/table.ts';
export { type VersionReport, versionPage } from './report/version-page.ts';
export { type ReportedRun, writeReport } from './report/write-report.ts';
export { type Aggregate, aggregate } from './statistics/aggregate.ts';
export {
  type BootstrapOptions,
  bootstrap,
  bootstrapMean,
  type Estimate,
  type Interval,
} from './statistics/bootstrap.ts';
export { relativeChange, relativeNorm } from './statistics/change.ts';
export { type CaseDifference, type Comparison, compareRuns } from './statistics/compare.ts';
export { costMetrics } from './statistics/cost-metrics.ts';
export { leastHistory, robustZ } from './statistics/outliers.ts';
export { type RunMetric, runMetrics } from './statistics/run-metrics.ts';
