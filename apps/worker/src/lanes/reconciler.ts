// The reconciler: wakes every lane that has work and that nobody holds. It makes losing what was queued harmless.
import {
  expireApprovals,
  forgetReplacedSecrets,
  isTurnOf,
  mayTake,
  sealAudit,
  sweepDeliveries,
  sweepIdempotencyKeys,
  waitingLanes,
} from '@errata/lineage';
import type { WorkerContext } from '../context.ts';
import { type Repeated, repeat } from './repeat.ts';

type Needs = Pick<WorkerContext, 'settings' | 'lineage' | 'dispatch' | 'metrics' | 'log'>;

/**
 * Looks at once, and then again `reconcileMs` after each look. Every worker runs one; for lanes those with the same labels look in turn, as
 * one look finds whatever any of them may take: a hundred that looked by themselves would wake a thousand waiting lanes 20,000 times a second.
 */
export function startReconciler({ settings, lineage, dispatch, metrics, log }: Needs): Repeated {
  const wakeLanes = async (stopped: () => boolean) => {
    const { name, labels, reconcileMs: everyMs } = settings;
    if (!(await isTurnOf(lineage, name, { labels, everyMs }))) return;
    const lanes = (await waitingLanes(lineage)).filter((each) => mayTake(labels, each)).map(({ lane }) => lane);
    for (const lane of lanes) if (!stopped()) await dispatch.wake(lane);
    metrics.lanesReconciled(lanes.length);
    if (lanes.length > 0) log.debug({ lanes }, 'woke lanes that nobody works');
  };
  const endApprovals = async () => {
    const expired = await expireApprovals(lineage);
    if (expired.length > 0) log.info({ jobs: expired }, 'nobody approved these candidates in time');
  };
  const forgetRequests = async () => {
    const swept = await sweepIdempotencyKeys(lineage);
    if (swept > 0) log.info({ keys: swept }, 'forgot idempotency keys that have expired');
  };
  const forgetDeliveries = async () => {
    const swept = await sweepDeliveries(lineage);
    if (swept > 0) log.info({ deliveries: swept }, 'forgot webhook deliveries that ended long ago');
  };
  const forgetSecrets = async () => {
    const forgotten = await forgetReplacedSecrets(lineage);
    if (forgotten > 0) log.info({ webhooks: forgotten }, 'forgot secrets of webhooks that have been replaced');
  };
  const sealActs = async () => {
    const sealed = await sealAudit(lineage);
    if (sealed > 0) log.debug({ entries: sealed }, 'sealed the audit log');
  };
  const attempt = async (what: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      log.warn({ error }, `could not look for ${what}`);
    }
  };
  return repeat(async (stopped) => {
    await attempt('lanes that nobody works', () => wakeLanes(stopped));
    if (!stopped()) await attempt('approvals that took too long', endApprovals);
    if (!stopped()) await attempt('idempotency keys that have expired', forgetRequests);
    if (!stopped()) await attempt('webhook deliveries that ended long ago', forgetDeliveries);
    if (!stopped()) await attempt('secrets of webhooks that have been replaced', forgetSecrets);
    if (!stopped()) await attempt('acts that are not sealed yet', sealActs);
    return settings.reconcileMs;
  });
}
