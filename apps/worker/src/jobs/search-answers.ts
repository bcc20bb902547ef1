// What versions answer to a search: from the table of answers where they were asked before, else from the engine.
import {
  type AskedQuestion,
  type GivenAnswer,
  normaliseAnswer,
  type VersionSource,
  versionId,
} from '@errata/contracts';
import { findAnswer, keepAnswer, type StoredModel } from '@errata/lineage';
import type { JobRun } from '../attempts/job-run.ts';
import { modelReference } from '../models.ts';

export interface Heard extends GivenAnswer {
  readonly version_id: string;
  readonly cached: boolean;
}

export async function askVersion(
  run: JobRun,
  model: StoredModel,
  version: VersionSource,
  question: AskedQuestion,
): Promise<Heard> {
  const { lineage, snapshots } = run.context;
  const version_id = versionId(version);
  const known = await findAnswer(lineage, version_id, question);
  if (known !== null) return { ...known, version_id, cached: true };
  const given = await run.call('answerQuestion', { model: modelReference(model), version, question }, 'ask');
  snapshots.opened(model, version);
  await keepAnswer(lineage, version_id, question, given);
  return { ...given, version_id, cached: false };
}

/** Case, outer punctuation and spacing do not make another answer. */
export const sameAnswer = (a: Pick<GivenAnswer, 'answer'>, b: Pick<GivenAnswer, 'answer'>): boolean =>
  normaliseAnswer(a.answer) === normaliseAnswer(b.answer);
