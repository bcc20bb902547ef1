// The face of @errata/sdk: a typed client of the Errata API.
export type {
  ArtefactRequest,
  BranchRequest,
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  Completion,
  CompletionChunk,
  CompletionRequest,
  ImportRequest,
} from '@errata/contracts';
export * from './client.ts';
export { ErrataApiError } from './errors.ts';
export type { EventsOptions } from './events.ts';
export type { Paged, PageQuery } from './pages.ts';
export type { EditQuery } from './resources/edits.ts';
export type { EvaluationQuery, RowQuery } from './resources/evaluations.ts';
export type { InboxInput, InboxQuery } from './resources/inbox.ts';
export type { JobQuery, JobResult, WaitOptions } from './resources/jobs.ts';
export type { ScheduleQuery, Triggered } from './resources/schedules.ts';
export type { DeliveryQuery } from './resources/webhooks.ts';
export type { CallOptions, ErrataOptions } from './transport.ts';
