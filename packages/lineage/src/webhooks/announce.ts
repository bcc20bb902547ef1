// Announcing: what happened becomes a message to every webhook that asked for it, in the transaction in which it happened.
import {
  type GateVerdict,
  type JobState,
  type PlainError,
  reasonsOf,
  type WebhookEvent,
  type WebhookMessage,
} from '@errata/contracts';
import type { Tx } from '../database/client.ts';
import { newId } from '../database/ids.ts';

/** Leaves a message for each enabled webhook that wants to hear of such things, of this model or of all. */
export async function announce(
  tx: Tx,
  type: WebhookEvent,
  modelId: string | null,
  data: Readonly<Record<string, unknown>>,
): Promise<void> {
  const listening = await tx.webhook.findMany({
    where: {
      enabled: true,
      events: { has: type },
      OR: [{ modelId: null }, ...(modelId === null ? [] : [{ modelId }])],
    },
    select: { id: true },
  });
  if (listening.length === 0) return;
  const message = JSON.stringify({ type, timestamp: new Date().toISOString(), data } satisfies WebhookMessage);
  for (const { id } of listening) {
    // One that is deleted at this moment is told nothing.
    await tx.$executeRaw`
      INSERT INTO webhook_deliveries (id, webhook_id, message)
      SELECT ${newId('delivery')}, id, ${message}::jsonb FROM webhooks WHERE id = ${id} FOR KEY SHARE`;
  }
}

/** What is told of a job's end: its row as it became, and what was left on it by then. */
export interface EndedJob {
  readonly id: string;
  readonly kind: string;
  readonly state: JobState;
  readonly model_id: string | null;
  readonly branch_id: string | null;
  readonly parent_version_id: string | null;
  readonly version_id: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}
export interface EndMarks {
  readonly error?: PlainError | undefined;
  readonly gate?: GateVerdict | null | undefined;
}

/** Announces that a job has ended, and that its gate refused it where that is so. */
export async function announceEnd(tx: Tx, job: EndedJob, { error, gate }: EndMarks): Promise<void> {
  const { id: job_id, kind, state, model_id, branch_id, version_id, parent_version_id, metadata } = job;
  const about = { job_id, kind, model_id, branch_id, metadata };
  const failure = error === undefined ? null : { code: error.code, message: error.message };
  await announce(tx, 'job.ended', model_id, { ...about, state, version_id, parent_version_id, error: failure });
  if (state === 'gated_out')
    await announce(tx, 'gate.refused', model_id, { ...about, reasons: gate == null ? [] : reasonsOf(gate) });
}
