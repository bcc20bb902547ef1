// Check: everything that is stored is looked at, and a report says what is broken.
import { checkRequestSchema, rootManifest } from '@errata/contracts';
import { commitReport, getModel, readManifest } from '@errata/lineage';
import { checkEverything } from '@errata/upkeep';
import type { JobRun } from '../attempts/job-run.ts';
import { modelReference } from '../models.ts';
import { readInput } from './input.ts';

export async function check(run: JobRun): Promise<void> {
  const { content, snapshots } = readInput(checkRequestSchema, run.job);
  const { lineage, blobs } = run.context;
  const report = await checkEverything(lineage, blobs, {
    content,
    signal: run.signal,
    onProgress: (progress) => run.report(progress),
    ...(snapshots ? { snapshotFault: (version: string) => snapshotFault(run, version) } : {}),
  });
  await run.move('committing');
  const outcome = report.ok ? 'succeeded' : 'completed_with_errors';
  await commitReport(lineage, run.lease, { jobId: run.job.id, outcome, report });
  run.ended(outcome);
}

/** Opens a version from its snapshot and from all its deltas: the weights must be the same bytes. */
async function snapshotFault(run: JobRun, version: string): Promise<string | null> {
  const { lineage } = run.context;
  const snapshot = await lineage.prisma.snapshot.findUnique({ where: { versionId: version } });
  if (snapshot === null) return null; // let go meanwhile
  const model = await getModel(lineage, snapshot.modelId);
  const digestOf = async (source: { readonly snapshot?: { version: string; blob: string } }) => {
    const { deltas } =
      source.snapshot === undefined ? await readManifest(lineage, version, snapshot.modelId) : { deltas: [] };
    const opened = { ...rootManifest(model.resource.digest), ...source, deltas };
    return run.context.engine.call(
      'digestWeights',
      { model: modelReference(model), version: opened, fresh: true },
      { signal: run.signal },
    );
  };
  try {
    const stored = await digestOf({ snapshot: { version, blob: snapshot.blob } });
    const whole = await digestOf({});
    return stored.digest === whole.digest ? null : 'its weights are not those of its deltas';
  } catch (error) {
    run.signal.throwIfAborted();
    return `it cannot be opened: ${error instanceof Error ? error.message : String(error)}`;
  }
}
