// Edits as the cases of a data set: one a case.
import type { Edit } from '@errata/contracts';
import type { DatasetCase } from './cases.ts';

/** Wordings of an edit that its text is written from. */
const wordings = 3;

/** A case an edit. Texts about its subject begin with the edit's own wordings. */
export const casesOfEdits = (edits: readonly Edit[]): readonly DatasetCase[] => edits.map(caseOfEdit);

const caseOfEdit = (edit: Edit): DatasetCase => ({
  id: edit.custom_id,
  edits: [edit],
  generation: { prompts: [edit.prompt, ...edit.rephrases].slice(0, wordings), attribute: [] },
});
