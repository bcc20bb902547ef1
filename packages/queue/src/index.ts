// The face of @errata/queue: wake-ups for lanes, over Redis or PostgreSQL.
export {
  type Consumer,
  type Dispatch,
  type DispatchOptions,
  type DispatchWarning,
  openDispatch,
} from './dispatch.ts';
export { describeQueueUrl, parseQueueUrl, type QueueBackend } from './queue-url.ts';
