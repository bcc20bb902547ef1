// The face of @errata/queue: wake-ups for lanes, over Redis or PostgreSQL.
export type { Board, BoardOptions } from './board.ts';
export { type Dispatch, type DispatchOptions, openDispatch } from './dispatch.ts';
export { describeQueueUrl, type QueueBackend } from './queue-url.ts';
export type { Consumer, DispatchWarning } from './wiring.ts';
