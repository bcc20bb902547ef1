// What webhooks can be told of, in words.
import type { WebhookEvent } from '@errata/contracts';

export const eventWords: Readonly<Record<WebhookEvent, string>> = {
  'job.ended': 'a job has ended',
  'gate.refused': 'a gate has refused a batch',
  'branch.moved': 'a branch has moved',
  'schedule.missed': 'a schedule has missed its time',
};
