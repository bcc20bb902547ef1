// The commit of an import: the model, its root version and its branch `main` appear together with the end of the job.
import {
  defaultPolicy,
  defaultProject,
  ErrataError,
  type ModelOrigin,
  rootManifest,
  versionId,
} from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import { z } from 'zod';
import { admit } from '../access/quotas.ts';
import { noteAct } from '../audit/note.ts';
import { asJson, isUniqueViolation, type Lineage } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import { readStored } from '../database/stored.ts';
import { holdLane, type Lease } from '../jobs/leases.ts';
import { staleJob, transition } from '../jobs/transitions.ts';
import { insertBranch } from '../names/branches.ts';
import { type ModelFile, modelResource } from './models.ts';

export interface ImportedModel {
  readonly name: string;
  /** Digest of the content: what versions and artefacts are made for. */
  readonly digest: string;
  readonly model_type: string;
  readonly parameters: number;
  readonly layers: number;
  readonly width: number;
  readonly vocabulary: number;
  readonly context: number;
  readonly has_tokenizer: boolean;
  /** What was imported, then what that was merged onto. */
  readonly origin: readonly ModelOrigin[];
  /** Every file, its blob already stored. */
  readonly files: readonly ModelFile[];
}

/** Imports that were asked for before there were projects name none. */
const importInput = z.object({ project: z.string().default(defaultProject.id) });

/** Commits an import that is committing. `name_taken` when the name went to another model meanwhile; `quota_exceeded`; `stale_epoch`. */
export async function commitImport(
  db: Lineage,
  lease: Lease,
  commit: {
    readonly jobId: string;
    readonly model: ImportedModel;
    /** Of its first branch. */
    readonly default_editor: string;
    readonly result?: Readonly<Record<string, unknown>>;
  },
): Promise<{ readonly model_id: string; readonly branch_id: string; readonly version: string }> {
  await failpoint('commit.before');
  const { jobId, model, default_editor } = commit;
  try {
    const committed = await db.prisma.$transaction(async (tx) => {
      await holdLane(tx, lease);
      const earlier = await tx.branchMove.findUnique({ where: { jobId } });
      if (earlier !== null)
        return { model_id: earlier.modelId, branch_id: earlier.branchId, version: earlier.toVersionId };
      const job = await tx.job.findUniqueOrThrow({ where: { id: jobId } });
      const { project } = readStored(importInput, job.input, `the input of ${jobId}`);
      const bytes = model.files.reduce((sum, file) => sum + file.bytes, 0);
      await admit(tx, { project }, { storage_mib: Math.ceil(bytes / 1024 ** 2) });
      const files = [...model.files].sort((a, b) => (a.path < b.path ? -1 : 1));
      const row = await tx.model.create({
        data: {
          id: newId('model'),
          name: model.name,
          projectId: project,
          digest: model.digest,
          modelType: model.model_type,
          parameters: model.parameters,
          layers: model.layers,
          width: model.width,
          vocabulary: model.vocabulary,
          context: model.context,
          hasTokenizer: model.has_tokenizer,
          origin: asJson(model.origin),
          files: asJson(files),
          metadata: asJson(job.metadata),
        },
      });
      const version = versionId(rootManifest(model.digest));
      await tx.version.create({ data: { id: version, modelId: row.id, jobId, deltaBytes: 0 } });
      await failpoint('commit.after_version');
      const created_by = job.createdBy;
      const main = {
        modelId: row.id,
        name: 'main',
        default_editor,
        policy: defaultPolicy,
        version,
        tip: null,
        jobId,
        created_by,
      };
      const branch = await insertBranch(tx, main);
      const done = await transition(tx, {
        jobId,
        from: ['committing'],
        to: 'succeeded',
        epoch: lease.epoch,
        model_id: row.id,
        version_id: version,
        result: commit.result,
        data: { model: modelResource(row).name, model_id: row.id, version_id: version },
      });
      if (done === null) throw staleJob(jobId, 'committing', job.state);
      const { name, digest } = model;
      await noteAct(tx, {
        act: 'model.imported',
        subject: row.id,
        model: row.id,
        details: { name, digest, job_id: jobId, project_id: row.projectId },
        by: job.createdBy,
      });
      await failpoint('commit.before_commit');
      return { model_id: row.id, branch_id: branch.id, version };
    });
    await failpoint('commit.after');
    return committed;
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new ErrataError('name_taken', `there already is a model ${JSON.stringify(model.name)}`);
  }
}
