// What an evaluation is about: the cases of a file.
import { basename } from 'node:path';
import type { DatasetCase } from '@errata/evaluation';
import { readEditsFile } from './local-editing.ts';

export interface EvalData {
  /** What people call it. */
  readonly name: string;
  readonly cases: readonly DatasetCase[];
}

/** Reads the first cases of a file. @throws ErrataError `invalid_edits` */
export async function readEvalData(file: string, limit: number | undefined): Promise<EvalData> {
  const { casesOfEdits } = await import('@errata/evaluation');
  return { name: basename(file), cases: casesOfEdits((await readEditsFile(file)).slice(0, limit)) };
}
