// What a layout is: how one record of a published data set becomes a case or an item.
import { type AbilityTaskId, isItemKind, textLimits } from '@errata/contracts';
import { z } from 'zod';
import type { DatasetCase } from './cases.ts';
import type { SuiteItem } from './items.ts';
import { type DatasetRule, type Notes, Unusable } from './rules.ts';
import type { DocumentShape, RawRecord } from './source/records.ts';

export type DatasetContent = { readonly case: DatasetCase } | { readonly item: SuiteItem };

/** Where a record stands, for ids that the data set does not give. */
export interface RecordPlace {
  readonly layout: string;
  /** Counts from 0. */
  readonly record: number;
  readonly file: string;
}

export interface Layout {
  readonly name: string;
  readonly title: string;
  /** Paper or project that published it. */
  readonly source: string;
  readonly kind: 'edits' | 'suite';
  /** The task of general ability that its items are for, where that is not the first of their kind. */
  readonly task?: AbilityTaskId;
  /** Other names by which people ask for it. */
  readonly alsoCalled?: readonly string[];
  /** Whether its files are JSON (values) or CSV (rows). */
  readonly formats: readonly ('value' | 'row')[];
  /** Ids are the user's own: a second one rejects its record. Elsewhere ids are ours and a second one is told apart. */
  readonly givenIds?: true;
  /** Where the records are, when the file is one JSON object. */
  readonly document?: DocumentShape;
  /** The records that one of the file's stands for, where that is several; they share its number. */
  readonly parts?: (value: unknown) => readonly unknown[];
  /** Whether a first row of CSV names columns. */
  readonly isHeader?: (row: readonly string[]) => boolean;
  /** Whether a record looks like this layout, be it usable or not. No two layouts should say so of one record. */
  readonly fits: (raw: RawRecord) => boolean;
  /** @throws {@link Unusable} where the record cannot be used */
  readonly read: (raw: RawRecord, place: RecordPlace, notes: Notes) => DatasetContent;
}

/** A record that is an object, for `fits`. */
export const objectOf = (raw: RawRecord): Readonly<Record<string, unknown>> | undefined =>
  raw.kind === 'value' ? asObject(raw.value) : undefined;

export const asObject = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;

export const has = (record: Readonly<Record<string, unknown>> | undefined, ...fields: string[]): boolean =>
  record !== undefined && fields.every((field) => Object.hasOwn(record, field));

/** Whether a record is an item of a suite: some have all the fields of a published layout, and are told by their `kind`. */
export const isSuiteItem = (record: Readonly<Record<string, unknown>> | undefined): boolean => isItemKind(record?.kind);

/** A text that is not blank. */
export const text = z.string().regex(/\S/);
/** Ids are numbers in some files and text in others. */
export const id = z.union([z.string().regex(/\S/), z.number()]);

/** The record by its schema. @throws Unusable naming the first field that does not fit */
export function parseRecord<T>(raw: RawRecord, schema: z.ZodType<T>): T {
  if (raw.kind === 'malformed') throw new Unusable('', raw.rule);
  if (raw.kind === 'row') throw new Unusable('', 'not_an_object');
  if (asObject(raw.value) === undefined) throw new Unusable('', 'not_an_object');
  return parsePart(raw.value, schema, '');
}

/** A part of a record by its schema; `under` is its path in the record. @throws as {@link parseRecord} */
export function parsePart<T>(value: unknown, schema: z.ZodType<T>, under: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.map(String);
  const field = issue.code === 'unrecognized_keys' ? [...path, issue.keys[0]!] : path;
  throw new Unusable([under, ...field].filter((part) => part !== '').join('.'), ruleOf(issue, at(value, path)));
}

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], value);

function ruleOf(issue: z.core.$ZodIssue, value: unknown): DatasetRule {
  if (value === undefined || value === null) return 'missing';
  switch (issue.code) {
    case 'too_small':
    case 'invalid_format':
      return 'empty';
    case 'too_big':
      return 'too_long';
    case 'unrecognized_keys':
      return 'unknown_field';
    case 'invalid_value':
    case 'custom':
      return 'unknown_value';
    default:
      return typeof value === 'string' && value.trim() === '' ? 'empty' : 'wrong_type';
  }
}

/** Notes the fields of a record that none of `read` names: what they may hold is left out. */
export function noteUnread(raw: RawRecord, read: readonly string[], notes: Notes): void {
  for (const [field, value] of Object.entries(objectOf(raw) ?? {}))
    if (value !== null && !read.includes(field)) notes.dropped.push({ field, rule: 'unread' });
}

/** Keeps the parts of a list that can be used and notes the others: a bad probe does not spoil its record. */
export function keepUsable<T>(
  values: readonly unknown[] | undefined | null,
  field: string,
  read: (value: unknown, field: string) => T,
  notes: Notes,
): readonly T[] {
  return (values ?? []).flatMap((value, index) => {
    try {
      return [read(value, `${field}.${index}`)];
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      notes.dropped.push(error.note);
      return [];
    }
  });
}

/** As {@link keepUsable} for a field that holds one part or none. */
export function keepOne<T>(
  value: unknown,
  field: string,
  read: (value: unknown, field: string) => T,
  notes: Notes,
): readonly T[] {
  return keepUsable(value === undefined || value === null ? [] : [value], field, (part) => read(part, field), notes);
}

/** As {@link keepUsable} for a field that holds one part, a list of them, or none. */
export const keepEach = <T>(
  value: unknown,
  field: string,
  read: (value: unknown, field: string) => T,
  notes: Notes,
): readonly T[] => (Array.isArray(value) ? keepUsable(value, field, read, notes) : keepOne(value, field, read, notes));

/** What belongs to one part of a list, by the part's path: of a list beside it the same place; else the whole. */
export const besideOf = (list: unknown, path: string): unknown => {
  const place = /\.(\d+)$/.exec(path)?.[1];
  return place !== undefined && Array.isArray(list) ? list[Number(place)] : list;
};

/** A prompt without spaces around it. @throws Unusable */
export const promptOf = (value: unknown, field: string): string =>
  parsePart(value, z.string().regex(/\S/).max(textLimits.prompt), field).trim();

/** Answers however a file nests them: a text, a list of texts, a list of lists. Blank ones are left out. */
export const answersOf = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return value.trim() === '' ? [] : [value.trim()];
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)];
  if (!Array.isArray(value)) return [];
  return [...new Set(value.flatMap(answersOf))];
};

/** As {@link answersOf}, where at least one is needed. @throws Unusable */
export function requireAnswers(value: unknown, field: string): readonly [string, ...string[]] {
  if (value === undefined || value === null) throw new Unusable(field, 'missing');
  if (typeof value === 'object' && !Array.isArray(value)) throw new Unusable(field, 'wrong_type');
  const [first, ...others] = answersOf(value);
  if (first === undefined) throw new Unusable(field, 'empty');
  return [first, ...others];
}
