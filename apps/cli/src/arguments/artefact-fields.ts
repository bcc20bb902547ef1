// What a request for artefacts may say, as options of a command: each kind brings its own.
import { resolve } from 'node:path';
import { sayIssue } from '@errata/contracts';
import { artefactKindNames, describeArtefact } from '@errata/editors/catalogue';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';

type Fields = Readonly<Record<string, unknown>>;

/** The fields of every kind, by name; kinds that share one mean the same by it. */
const schemas: ReadonlyMap<string, z.ZodType> = new Map(
  artefactKindNames.flatMap((kind) =>
    Object.entries(describeArtefact(kind).request.shape as Record<string, z.ZodType>),
  ),
);

/** What kinds say of a field: once where they all say the same. */
function describeField(field: string): string {
  const said = new Map<string, string[]>();
  for (const kind of artefactKindNames) {
    const shape = describeArtefact(kind).request.shape as Record<string, z.ZodType>;
    const sentence = shape[field]?.description;
    if (sentence !== undefined) said.set(sentence, [...(said.get(sentence) ?? []), kind]);
  }
  if (said.size <= 1) return asOption([...said.keys()][0] ?? '');
  return [...said].map(([sentence, kinds]) => `${kinds.join(', ')}: ${asOption(sentence)}`).join('; ');
}

/** The fields by which artefacts are chosen; the others say how they are built. */
export const choosingFields: readonly string[] = artefactKindNames.map((kind) => describeArtefact(kind).chosenBy);

/** Fields that commands without a service have options of their own for, or that are of what no editor needs. */
const otherwiseTold: readonly string[] = ['corpus', 'seed', 'limit'];

/** The fields that say how artefacts are built, beside the text: what commands without a service take. */
export const buildingFields: readonly string[] = [...schemas.keys()].filter(
  (field) => !choosingFields.includes(field) && !otherwiseTold.includes(field),
);

/** Adds an option for each of these fields, read and checked as its kind says. */
export function addArtefactFields(command: Command, fields: Iterable<string> = schemas.keys()): Command {
  for (const field of fields) {
    const schema = schemas.get(field)!;
    const { type, enum: choices } = z.toJSONSchema(schema);
    const takes = choices?.join('|') ?? (type === 'array' ? 'list' : type === 'string' ? 'path' : 'n');
    command.addOption(
      new Option(`--${field} <${takes}>`, describeField(field)).argParser(readerOf(schema, choices ? undefined : type)),
    );
  }
  return command;
}

/** Those of a command's options that are fields of a request. */
export const artefactFields = (options: object): Fields =>
  Object.fromEntries(Object.entries(options).filter(([field, value]) => schemas.has(field) && value !== undefined));

/** A sentence as the help of an option. */
const asOption = (sentence: string): string =>
  `${sentence.charAt(0).toLowerCase()}${sentence.slice(1).replace(/\.$/, '')}`;

/** @param type of its values; texts that are not one of some choices are paths */
function readerOf(schema: z.ZodType, type: z.core.JSONSchema.BaseSchema['type']) {
  return (text: string): unknown => {
    const value =
      type === 'string' ? resolve(text) : readJson(type === 'array' && !/^\s*\[/.test(text) ? `[${text}]` : text);
    const { error } = schema.safeParse(value);
    if (error !== undefined) throw new InvalidArgumentError(`${sayIssue(error.issues[0]!, value)}.`);
    return value;
  };
}

/** What is no JSON is a text, and no schema of a number or a list takes that. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
