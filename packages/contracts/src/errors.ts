// The one catalogue of errors: every code, its HTTP status, whether a retry can help, and what it means.

interface ErrorEntry {
  readonly status: number;
  readonly title: string;
  readonly retryable: boolean;
}

const user = (status: number, title: string): ErrorEntry => ({ status, title, retryable: false });
const passing = (status: number, title: string): ErrorEntry => ({ status, title, retryable: true });

/** Codes are never reused once retired. A test counts them and the documentation lists them all. */
export const errorCatalogue = {
  // Requests
  invalid_request: user(400, 'The request does not fit its schema'),
  malformed_jsonl: user(400, 'A line is not a JSON object'),
  invalid_edits: user(422, 'Some edits cannot be used'),
  unauthorized: user(401, 'A valid API key is required'),
  missing_scope: user(403, 'The API key lacks the scope this needs'),
  model_out_of_reach: user(403, 'The API key reaches other projects or models alone'),
  csrf_token_missing: user(403, 'A request by a session does not prove that a page of the service sent it'),
  not_found: user(404, 'There is nothing here'),
  method_not_allowed: user(405, 'This resource does not have that verb'),
  request_timeout: passing(408, 'The request did not arrive in time'),
  headers_too_large: user(431, 'The headers of the request are too large'),
  payload_too_large: user(413, 'The request body is too large'),
  rate_limited: passing(429, 'This API key has sent too many requests'),
  idempotency_key_reused: user(422, 'This idempotency key was used with another body'),
  idempotency_answer_gone: user(409, 'The answer to the first request with this idempotency key was not kept'),
  too_many_jobs: passing(429, 'This API key has too many jobs that have not ended'),
  quota_used_up: passing(429, 'The project has used up a quota, part of which is free again later'),
  quota_exceeded: user(403, 'The request takes more than a quota of the project allows'),
  too_many_streams: passing(429, 'This API key has too many event streams open'),
  idempotency_in_flight: passing(409, 'A request with this idempotency key is still in flight'),

  // Edits
  duplicate_custom_id: user(422, 'Two edits share one custom_id'),
  subject_missing: user(422, 'The editor needs the subject of an edit, and there is none'),
  subject_not_in_prompt: user(422, 'The subject does not occur in the prompt as a word of its own'),
  same_targets: user(422, 'The new answer and the true one are the same'),
  unspellable_text: user(422, 'The tokenizer of the model has no tokens for some characters'),
  empty_target: user(422, 'The target is empty'),
  target_too_long: user(422, 'The target is longer than allowed'),
  contradictory_edits: user(422, 'Two edits in one batch give different answers to one question'),
  control_characters: user(422, 'A text field holds control characters'),
  unknown_layout: user(422, 'No layout of data sets has this name or fits the file'),
  unreadable_dataset: user(422, 'The file cannot be read as a data set'),
  prompt_too_long: user(422, 'Prompt and target do not fit the context window of the model'),

  // Names that must exist
  unknown_model: user(404, 'No model has this name or id'),
  unknown_project: user(404, 'No project has this name or id'),
  unknown_branch: user(404, 'The model has no branch of this name'),
  unknown_version: user(404, 'No version has this id'),
  unknown_tag: user(404, 'The model has no tag of this name'),
  unknown_alias: user(404, 'The model has no alias of this name'),
  unknown_reference: user(404, 'The model has no branch, alias or tag of this name'),
  unknown_job: user(404, 'No job has this id'),
  unknown_edit: user(404, 'No such edit is active on the branch'),
  unknown_editor: user(422, 'No editor has this name'),
  unknown_schedule: user(404, 'There is no schedule of this name or id'),
  unknown_worker: user(404, 'No worker of this name has been heard of lately'),
  unknown_webhook: user(404, 'There is no webhook of this id'),
  unknown_delivery: user(404, 'The webhook has no delivery of this id'),
  unknown_inbox_edit: user(404, 'The inbox holds no edit of this id'),
  unknown_config_key: user(422, 'The editor has no such setting'),
  invalid_config: user(422, 'A setting of the editor is out of its range'),

  // Conflicts
  name_taken: user(409, 'The name is already in use'),
  stale_alias: user(409, 'The alias is not where the request says'),
  stale_parent: user(409, 'The branch has moved past the given parent version'),
  edit_active: user(409, 'An edit still acts on what a name stands for'),
  edit_erased: user(409, 'The text of an edit was erased'),
  inseparable_edits: user(422, 'These edits share deltas with others and cannot be dropped without them'),
  protected_branch: user(409, 'The branch is protected'),
  not_cancellable: user(409, 'The job can no longer be cancelled'),
  not_retryable: user(409, 'Only failed or cancelled jobs can be retried'),
  not_pending: user(409, 'The edit no longer waits in the inbox'),
  inbox_full: passing(409, 'The inbox of the branch is full'),
  lease_lost: passing(409, 'Another worker has taken over this lane'),
  stale_epoch: passing(409, 'The lease that guarded this write has been superseded'),

  // Searches through a history
  ends_agree: user(422, 'The probe has the same verdict at both ends of the range: there is nothing to search for'),

  // Models and checkpoints
  not_a_model_directory: user(422, 'The directory does not hold a model'),
  invalid_checkpoint: user(422, 'The checkpoint is malformed'),
  unsupported_model: user(422, 'The architecture is not supported'),
  hub_refused: user(422, 'The hub does not have the model, or does not give it'),
  hub_unreachable: passing(502, 'The hub does not answer, or sends something else than it states'),
  tokenizer_missing: user(422, 'The model has no tokenizer'),
  invalid_token_id: user(422, 'A token id lies outside the vocabulary'),
  not_a_checkpoint: user(422, 'The version is more than weights, and the form holds nothing else'),
  export_unsupported: user(422, 'The version cannot be written in this form'),
  output_exists: user(409, 'The output directory already holds something'),

  // Editing
  artefact_missing: user(409, 'The editor needs an artefact that has not been built'),
  corpus_missing: user(422, 'No text to build the statistics from'),
  singular_statistics: user(422, 'The second moment cannot be inverted'),
  zero_delta: user(500, 'The editor reported success but changed nothing'),
  non_finite_delta: user(500, 'The editor produced weights that are not finite'),
  edit_failed: user(500, 'The editor could not apply this edit'),
  gate_refused: user(422, 'The candidate failed the gate of its branch'),

  // Approval
  approval_required: passing(409, 'The branch moves only with an approval'),
  approval_denied: user(422, 'A person has rejected the candidate'),
  approval_expired: user(409, 'Nobody approved the candidate in time'),
  not_awaiting_approval: user(409, 'The job does not wait for an approval'),
  self_approval: user(403, 'Whoever submitted a job cannot approve it'),
  stale_policy: user(409, 'The policy of the branch was changed meanwhile'),

  // Evaluations
  run_mismatch: user(409, 'The directory holds the run of another evaluation'),
  results_conflict: user(500, 'Two runs of one evaluation measured one case differently'),

  // Storage and processes
  data_dir_in_use: user(409, 'Another service runs on this data directory'),
  cannot_listen: user(409, 'The service cannot listen at this address'),
  blob_missing: user(500, 'A blob is not in the store'),
  blob_corrupt: user(500, 'The bytes of a blob do not match its digest'),
  storage_full: passing(507, 'The store has no space left'),
  storage_failed: passing(500, 'The store could not read or write'),
  insufficient_memory: passing(503, 'The worker has too little memory for this model'),
  engine_crashed: passing(503, 'The engine process ended while it was working'),
  provider_unavailable: user(422, 'The execution provider is not available on this machine'),
  unavailable: passing(503, 'A service that is needed cannot be reached'),
  unreadable_record: user(500, 'What was stored cannot be read by this build'),
  schema_mismatch: user(500, 'The database was laid out by another build'),
  timeout: passing(504, 'The operation took longer than allowed'),
  internal: passing(500, 'Something failed inside Errata'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** What lies in a text that was given, and in nothing else. */
const textFaults = [
  'prompt_too_long',
  'subject_not_in_prompt',
  'unspellable_text',
  'empty_target',
] as const satisfies readonly ErrorCode[];

/** What an editor says of edits that it was given, of one or of several that it solves together: they fail, and nothing else does. */
export const editFaults = [
  'zero_delta',
  'non_finite_delta',
  'edit_failed',
  ...textFaults,
] as const satisfies readonly ErrorCode[];

/** What is said of a case that cannot be asked: it fails, and nothing else does. */
const caseFaults = ['invalid_token_id', 'invalid_request', ...textFaults] as const satisfies readonly ErrorCode[];

/** One located complaint: a JSON pointer into the body, or a line of a JSONL file, with the field and the rule it breaks. */
export interface Complaint {
  readonly code: ErrorCode;
  readonly message: string;
  readonly pointer?: string;
  readonly line?: number;
  readonly field?: string;
  /** Of the edit that it is about, where that has one. */
  readonly custom_id?: string;
}

/**
 * An expected failure with fields to act on. Anything else that is thrown is a defect of ours and is reported as `internal`.
 */
export class ErrataError extends Error {
  readonly code: ErrorCode;
  readonly errors: readonly Complaint[];
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { errors?: readonly Complaint[]; details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ErrataError';
    this.code = code;
    this.errors = options.errors ?? [];
    this.details = options.details ?? {};
  }

  get status(): number {
    return errorCatalogue[this.code].status;
  }

  get retryable(): boolean {
    return errorCatalogue[this.code].retryable;
  }
}

/** The plain form of an error: what crosses a process boundary, is stored with a job, or becomes problem+json. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly errors: readonly Complaint[];
  readonly details: Readonly<Record<string, unknown>>;
}

export const isErrorCode = (value: unknown): value is ErrorCode =>
  typeof value === 'string' && Object.hasOwn(errorCatalogue, value);

/** Anything thrown, as plain data; what is not an {@link ErrataError} becomes `internal`. */
export function toPlainError(thrown: unknown): PlainError {
  if (thrown instanceof ErrataError) {
    return { code: thrown.code, message: thrown.message, errors: thrown.errors, details: thrown.details };
  }
  const code = storageCode(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code, message, errors: [], details: {} };
}

/** Whether something thrown is a fault of the edits that were worked on, and of nothing else. */
export const isEditFault = (thrown: unknown): thrown is ErrataError =>
  thrown instanceof ErrataError && editFaults.some((code) => code === thrown.code);

/** Whether an error is a fault of a case that was asked, and of nothing else. */
export const isCaseFault = ({ code }: Pick<ErrataError, 'code'>): boolean => caseFaults.some((each) => each === code);

/** The inverse of {@link toPlainError}. */
export const fromPlainError = (plain: PlainError): ErrataError =>
  new ErrataError(plain.code, plain.message, { errors: plain.errors, details: { ...plain.details } });

function storageCode(thrown: unknown): ErrorCode {
  const system = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (system === 'ENOSPC' || system === 'EDQUOT') return 'storage_full';
  if (system === 'EIO' || system === 'EROFS' || system === 'EACCES') return 'storage_failed';
  return 'internal';
}
