// The kinds of job and who does them.
import type { JobKind } from '@errata/contracts';
import type { JobRun } from '../attempts/job-run.ts';
import { buildArtefactJob } from './artefact.ts';
import { bisect } from './bisect.ts';
import { blame } from './blame.ts';
import { check } from './check.ts';
import { collect } from './collection.ts';
import { compare } from './comparison.ts';
import { applyEditJob } from './edit.ts';
import { evaluateShard, mergeEvaluation } from './evaluation.ts';
import { importModel } from './import.ts';
import { rollBack } from './rollback.ts';

const works: Record<JobKind, (run: JobRun) => Promise<void>> = {
  import: importModel,
  artefact: buildArtefactJob,
  edit: applyEditJob,
  rollback: rollBack,
  evaluation: mergeEvaluation,
  evaluation_shard: evaluateShard,
  bisect,
  blame,
  comparison: compare,
  check,
  collection: collect,
};

export const workOf = (kind: JobKind): ((run: JobRun) => Promise<void>) => works[kind];
