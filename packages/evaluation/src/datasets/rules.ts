// Why a record cannot be used, what was mended in it and what was left out of it: one closed list of rules.

/** Every rule by which a field is complained about, and what it says of the field. */
export const datasetRules = {
  not_json: 'the line is not JSON',
  too_deep: 'the record is nested more than 64 deep',
  not_an_object: 'the record is not a JSON object',
  missing: 'is absent or null',
  wrong_type: 'is of another type than the layout has',
  empty: 'is blank, or a list without an answer',
  too_long: 'is longer than an edit may be',
  unknown_field: 'is no field of this layout',
  unknown_value: 'is none of the values the layout knows',
  unread: 'is not read: an edit has no place for it',
  wrong_columns: 'has another number of cells than there are columns',
  subject_not_in_prompt: 'does not occur in the prompt',
  same_targets: 'is the new answer too',
  control_characters: 'holds control characters',
  duplicate_custom_id: 'is the id of an earlier record too',
  unknown_wording: 'is not worded as its relation words it, so subject and answer cannot be told apart',
  surrounding_space: 'has spaces around it',
  subject_spelling: 'is spelled otherwise in the prompt (case, spaces or Unicode form)',
} as const;
export type DatasetRule = keyof typeof datasetRules;

/** A rule and the field it is about, by the file's own names, as a dotted path; the empty path is the whole record. */
export interface FieldNote {
  readonly field: string;
  readonly rule: DatasetRule;
}

/** What was done to a record that is used. */
export interface Notes {
  /** Fields that were mended. */
  readonly repaired: FieldNote[];
  /** Parts that were left out: a probe without an answer, a blank rephrase. */
  readonly dropped: FieldNote[];
}

/** Thrown inside a layout where a record cannot be used; {@link readDataset} turns it into a rejection. */
export class Unusable extends Error {
  readonly note: FieldNote;

  constructor(field: string, rule: DatasetRule) {
    super(`${field} ${datasetRules[rule]}`);
    this.name = 'Unusable';
    this.note = { field, rule };
  }
}
