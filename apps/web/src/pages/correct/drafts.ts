// Edits as they are written: every field a text, and beside them what a file brought that no cell shows.
import { type Complaint, type Edit, type EditInput, ErrataError } from '@errata/contracts';

export const draftFields = ['prompt', 'subject', 'target_new', 'target_true'] as const;
export type DraftField = (typeof draftFields)[number];

export interface Draft extends Readonly<Record<DraftField, string>> {
  readonly key: number;
  /** The rest of an edit that came from a file: its probes, its id. */
  readonly rest?: Partial<Edit>;
}

let made = 0;
export function newDraft(fields: Partial<Draft> = {}): Draft {
  made += 1;
  return { prompt: '', subject: '', target_new: '', target_true: '', ...fields, key: made };
}

export function draftOf({ prompt, subject, target_new, target_true, ...rest }: Edit): Draft {
  return newDraft({ prompt, subject: subject ?? '', target_new, target_true: target_true ?? '', rest });
}

export const isBlank = (draft: Draft): boolean => draftFields.every((field) => draft[field].trim() === '');

const present = (name: string, value: string) => (value.trim() === '' ? {} : { [name]: value.trim() });

/** A draft as the API takes it; one without a `custom_id` is named by its number there. */
export const editOf = ({ prompt, subject, target_new, target_true, rest = {} }: Draft): Partial<EditInput> => ({
  ...rest,
  prompt: prompt.trim(),
  target_new: target_new.trim(),
  ...present('subject', subject),
  ...present('target_true', target_true),
});

/** What was complained of, by edit (from 0) and field. */
export interface Faults {
  at(index: number, field: string): string | undefined;
}

export function faultsOf(error: unknown): Faults {
  const complaints: readonly Complaint[] = error instanceof ErrataError ? error.errors : [];
  const placed = complaints.flatMap(({ pointer, field, message }) => {
    const index = /^\/(?:edits\/)?(\d+)/.exec(pointer ?? '')?.[1] ?? (pointer?.startsWith('/edits') ? undefined : '0');
    return index === undefined || field === undefined ? [] : [{ index: Number(index), field, message }];
  });
  return {
    at: (index, field) =>
      placed.find((fault) => fault.index === index && (fault.field === field || fault.field.startsWith(`${field}.`)))
        ?.message,
  };
}
