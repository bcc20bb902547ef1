// The face of @errata/lineage: what is true, and the only ways to change it.
export * from './aliases.ts';
export { findAnswer, keepAnswer } from './answers.ts';
export {
  approvedCandidate,
  approveJob,
  awaitApproval,
  type Decision,
  expireApprovals,
  rejectJob,
} from './approvals.ts';
export * from './artefacts.ts';
export { type AuditStep, auditLineage } from './audit.ts';
export { type EvaluationGate, openEvaluationGate } from './auto-rollback.ts';
export {
  branchLane,
  branchOfLane,
  createBranch,
  deleteBranch,
  getBranch,
  getBranchById,
  listBranches,
  type NewBranch,
  restoreBranch,
} from './branches.ts';
export { type CherryPickSubmission, submitCherryPick } from './cherry-pick.ts';
export { type Db, type Lineage, type LineageOptions, openLineage, type Tx } from './client.ts';
export * from './commit.ts';
export {
  type Contribution,
  chainLength,
  compareChains,
  deltasOf,
  type Ground,
  groundAt,
  type Link,
  linkAt,
  manifestOf,
  readChain,
  sourceAt,
  tipOfVersion,
  upon,
  writeChain,
} from './contributions.ts';
export { type EditCosts, editCosts } from './edit-costs.ts';
export { editNorms, editsById, editsOfJob, getEdit, listEdits, normsRemembered, type StoredEdit } from './edits.ts';
export { type EvaluationSubmission, evaluationLane, submitEvaluation } from './evaluation-submit.ts';
export {
  commitEvaluation,
  commitShard,
  costOf,
  deltasBefore,
  type EvaluationCommit,
  type EvaluationWork,
  lanesOfShards,
  openEvaluationWork,
  readCases,
  recordResults,
  referenceTexts,
  type StoredCase,
  shardsOf,
} from './evaluation-work.ts';
export * from './evaluations.ts';
export * from './events.ts';
export { type FinishedWork, findFinishedWork } from './finished-work.ts';
export { type MoveKind, type Passage, passageOf, requireStart } from './guard.ts';
export * from './history.ts';
export {
  abandonIdempotent,
  answerWithin,
  beginIdempotent,
  completeIdempotent,
  type IdempotencyClaim,
  type IdempotencyOutcome,
  keptAnswerBytes,
  keyLifetimeMs,
  sweepIdempotencyKeys,
} from './idempotency.ts';
export * from './import.ts';
export {
  addToInbox,
  countWaiting,
  getInboxEdit,
  type InboxAddition,
  keepInInbox,
  listInbox,
  withdrawFromInbox,
} from './inbox.ts';
export { cancelJob, getJob, isCancelRequested, type JobFilter, laneOfJob, listJobs, retryJob } from './jobs.ts';
export * from './keys.ts';
export { acquireLease, type Lease, lanesNeedingWork, releaseLease, renewLease } from './leases.ts';
export * from './migrate.ts';
export { getModel, listModels, type ModelFile, type StoredModel } from './models.ts';
export * from './named-blobs.ts';
export { explainOutage } from './outage.ts';
export type { PageRequest } from './pages.ts';
export { getPolicy, listPolicies, type PolicyChange, setPolicy } from './policies.ts';
export { type Place, type Reference, referenceResource, resolveReference } from './references.ts';
export * from './rollback-plan.ts';
export { type Decisions, msUntilDue, runDueSchedules, schedulesToRun } from './schedule-clock.ts';
export { runSchedule, type Tick } from './schedule-run.ts';
export {
  changeSchedule,
  createSchedule,
  deleteSchedule,
  getSchedule,
  listRuns,
  listSchedules,
  type NewSchedule,
  pauseSchedule,
  resumeSchedule,
} from './schedules.ts';
export * from './searches.ts';
export * from './snapshots.ts';
export {
  type ArtefactSubmission,
  type EditSubmission,
  type ImportSubmission,
  type RollbackSubmission,
  submitArtefactJob,
  submitEditJob,
  submitImport,
  submitRollback,
} from './submit.ts';
export * from './suites.ts';
export * from './tags.ts';
export * from './take.ts';
export {
  afterFailedAttempt,
  type Finish,
  finishJob,
  type JobMarks,
  type JobRow,
  maxAttempts,
  moveJob,
  requeueJob,
} from './transitions.ts';
export * from './upkeep.ts';
export {
  findPlace,
  getVersion,
  listVersions,
  readManifest,
  type StoredVersion,
  sourceOfVersion,
  versionLineage,
} from './versions.ts';
export * from './workers.ts';
