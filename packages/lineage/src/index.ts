// The face of @errata/lineage: what is true, and the only ways to change it.

// The database itself: the handle on it, its migrations, its outages, and how rows are listed and read back.

export { type Db, type Lineage, type LineageOptions, openLineage, type Tx } from './database/client.ts';
export { type Dump, dumpSchema, type OpenDump, refuseUsed, restoreDump, withDump } from './database/dump.ts';
export { migrate, migrationsDirectory } from './database/migrate.ts';
export { explainOutage } from './database/outage.ts';

// Models: imported checkpoints, and the artefacts that editors need beforehand.

export * from './models/artefacts.ts';
export * from './models/import.ts';
export { getModel, listModels, type ModelFile, type OpenableModel, type StoredModel } from './models/models.ts';

// History: versions, the chains of contributions that they stand for, and the commit that makes them.

export { type CherryPickSubmission, submitCherryPick } from './history/cherry-pick.ts';
export * from './history/commit.ts';
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
} from './history/contributions.ts';
export * from './history/history.ts';
export {
  planRollback,
  type ReplayStep,
  type RollbackPlan,
  type RollbackTarget,
  replayOf,
} from './history/rollback-plan.ts';
export { previewRollback } from './history/rollback-preview.ts';
export * from './history/snapshots.ts';
export {
  artefactsOfVersion,
  findPlace,
  getVersion,
  listVersions,
  readManifest,
  type StoredVersion,
  sourceOfVersion,
  versionLineage,
} from './history/versions.ts';

// Names: branches, aliases and tags, and what a name stands for.

export * from './names/aliases.ts';
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
} from './names/branches.ts';
export { type Place, type Reference, referenceResource, resolveReference } from './names/references.ts';
export { findServed, type Served } from './names/served.ts';
export * from './names/tags.ts';

// Policies: what may move a branch, and the approvals that they ask for.

export {
  approvedCandidate,
  approveJob,
  awaitApproval,
  type Decision,
  expireApprovals,
  rejectJob,
} from './policies/approvals.ts';
export { type EvaluationGate, openEvaluationGate } from './policies/auto-rollback.ts';
export { type MoveKind, type Passage, passageOf, requireStart } from './policies/guard.ts';
export { type JudgedBatch, judgedBatches } from './policies/judged.ts';
export { getPolicy, listPolicies, type PolicyChange, setPolicy } from './policies/policies.ts';

// Jobs: submitted, taken, moved from state to state, told as events.

export { type EditCosts, editCosts } from './jobs/edit-costs.ts';
export {
  editNorms,
  editsById,
  editsOfJob,
  getEdit,
  listEdits,
  normsRemembered,
  type StoredEdit,
} from './jobs/edits.ts';
export * from './jobs/events.ts';
export { causesOfFailures } from './jobs/failures.ts';
export { type EditSearch, findEdits } from './jobs/find-edits.ts';
export { type FinishedWork, findFinishedWork } from './jobs/finished-work.ts';
export { cancelJob, getJob, isCancelRequested, type JobFilter, laneOfJob, listJobs, retryJob } from './jobs/jobs.ts';
export { acquireLease, type Lease, releaseLease, renewLease } from './jobs/leases.ts';
export {
  type ArtefactSubmission,
  type EditSubmission,
  type ImportSubmission,
  type RollbackSubmission,
  submitArtefactJob,
  submitEditJob,
  submitImport,
  submitRollback,
} from './jobs/submit.ts';
export * from './jobs/take.ts';
export {
  afterFailedAttempt,
  type Finish,
  finishJob,
  type JobMarks,
  type JobRow,
  maxAttempts,
  moveJob,
  requeueJob,
} from './jobs/transitions.ts';
export { byTurn, countedMs, fadedMs, raisedAfterMs, type Waiting } from './jobs/turn-order.ts';
export { type WaitingLane, waitingLanes } from './jobs/waiting-lanes.ts';
export * from './jobs/workers.ts';

// Evaluations and the suites that they ask.

export * from './evaluations/evaluations.ts';
export { type EvaluationSubmission, evaluationLane, submitEvaluation } from './evaluations/submit.ts';
export * from './evaluations/suites.ts';
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
} from './evaluations/work.ts';

// Searches through a history, and what versions have answered before.

export { findAnswer, keepAnswer } from './searches/answers.ts';
export * from './searches/searches.ts';

// Schedules and the inboxes that they draw from.

export { type Decisions, msUntilDue, runDueSchedules, schedulesToRun } from './schedules/clock.ts';
export {
  addToInbox,
  countWaiting,
  getInboxEdit,
  type InboxAddition,
  keepInInbox,
  listInbox,
  withdrawFromInbox,
} from './schedules/inbox.ts';
export { runSchedule, type Tick } from './schedules/run.ts';
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
} from './schedules/schedules.ts';

// Webhooks: who is told what happens, and what of it was delivered.

export {
  type ClaimedDelivery,
  claimDeliveries,
  type DeliveryClaim,
  type DeliveryOutcome,
  deliveriesKeptDays,
  getDelivery,
  listDeliveries,
  msUntilDelivery,
  recordDelivery,
  replayDelivery,
  sendTestMessage,
  sweepDeliveries,
} from './webhooks/deliveries.ts';
export {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  forgetReplacedSecrets,
  getWebhook,
  listWebhooks,
  type NewWebhook,
  rotateWebhookSecret,
} from './webhooks/webhooks.ts';

// Access: API keys and idempotency keys.

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
} from './access/idempotency.ts';
export {
  createKey,
  findKey,
  type KeyLimits,
  type KeyRecord,
  keyPrefix,
  keyResource,
  listKeyPage,
  listKeys,
  revokeKey,
  rotateKey,
} from './access/keys.ts';
export { giveRole, listMembers, removeMember } from './access/members.ts';
export { admitPerson, type Person } from './access/people.ts';
export { changeProject, createProject, findProject, getProject, listProjects, moveModel } from './access/projects.ts';
export { admitTokens, noteTokens } from './access/quotas.ts';
export { type Grant, type OwnedKind, type Owner, ownerOf, type Reach } from './access/reach.ts';
export * from './access/sessions.ts';

// The audit log: who did what.

export { type AuditFilter, listAudit } from './audit/entries.ts';
export { actingAs } from './audit/note.ts';
export { sealAudit } from './audit/seal.ts';

// Upkeep: the audit, and what the store must hold.

export { type AuditStep, auditLineage } from './upkeep/audit.ts';
export { lastBackup, noteBackup } from './upkeep/backups.ts';
export { eraseEdits } from './upkeep/erase.ts';
export * from './upkeep/named-blobs.ts';
export * from './upkeep/storage.ts';
export {
  type CheckSubmission,
  type CollectionSubmission,
  commitReport,
  lastUpkeep,
  submitCheck,
  submitCollection,
} from './upkeep/upkeep.ts';
export { readVitals } from './upkeep/vitals.ts';
