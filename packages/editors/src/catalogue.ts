// The catalogue of editors, @errata/editors/catalogue: their names, descriptions and settings, and the kinds of artefact they need. Needs no model and no Node.
import { type ArtefactNeed, type Complaint, ErrataError, editorNameSchema, quoted, sayIssue } from '@errata/contracts';
import { z } from 'zod';
import { artefactKindNames } from './artefacts/index.ts';
import type { DefaultRow, EditorDescription, EditorSettings, ModelShape } from './description.ts';
import { methods } from './methods/index.ts';

export { artefactKindNames, describeArtefact } from './artefacts/index.ts';
export { needKey } from './artefacts/need-key.ts';
export { type Provided, parentsOf, provideArtefacts } from './artefacts/provide.ts';
export { artefactJobFields, artefactJobInput, artefactRequestSchema } from './artefacts/request.ts';
export type {
  DefaultRow,
  Deviation,
  EditorDescription,
  EditorReference,
  EditorSettings,
  ModelShape,
} from './description.ts';

export {
  type TracedSite,
  type TracingSummary,
  tokenKinds,
  tracedSites,
  tracingSummarySchema,
} from './locate/told.ts';

export type EditorName = keyof typeof methods;
export const editorNames = Object.keys(methods) as EditorName[];
/** What edits are made with where nobody chose. */
export const defaultEditor: EditorName = 'r-rome';

/** What an editor says of itself. */
export const describeEditor = (name: EditorName): EditorDescription => methods[name];

/** As people write it: what its title begins with. */
export const writtenEditor = (name: EditorName): string => /^[^\s:]+/.exec(describeEditor(name).title)![0];

export const isEditorName = (name: string): name is EditorName => Object.hasOwn(methods, name);

/** The editor of this name, in any case. @throws ErrataError `unknown_editor` */
export function requireEditor(name: string): EditorName {
  const known = name.toLowerCase();
  if (isEditorName(known)) return known;
  throw new ErrataError('unknown_editor', `unknown editor ${quoted(name)}; there are ${editorNames.join(', ')}`);
}

/** What is to be said of an edit that names no subject, where the editor needs one. */
export function lacksSubject(name: EditorName, { custom_id, subject }: SubjectOf): ErrataError | undefined {
  if (subject !== undefined || describeEditor(name).subject !== 'required') return undefined;
  const others = editorNames.filter((other) => describeEditor(other).subject !== 'required').map(writtenEditor);
  return new ErrataError(
    'subject_missing',
    `${custom_id}: ${writtenEditor(name)} changes what the model knows of a subject, and the edit names none; ${others.join(', ')} need none`,
    { details: { custom_id, editor: name } },
  );
}

type SubjectOf = { readonly custom_id: string; readonly subject?: string | undefined };

/** The settings of each editor, none of which need be there; kept, since zod compiles a schema when it is first used. */
const partialSettings = new Map<EditorName, z.ZodType<EditorSettings>>();

function partialSettingsOf(name: EditorName): z.ZodType<EditorSettings> {
  const kept = partialSettings.get(name) ?? describeEditor(name).settings.partial();
  partialSettings.set(name, kept);
  return kept;
}

/** Checks the settings given for an editor, each by itself; every complaint names its key. Missing ones are filled in by the engine. */
export function checkOverrides(name: EditorName, overrides: EditorSettings, pointer = '/config'): EditorSettings {
  const known = Object.keys(describeEditor(name).settings.shape);
  const errors: Complaint[] = [];
  for (const key of Object.keys(overrides)) {
    if (known.includes(key)) continue;
    errors.push({
      code: 'unknown_config_key',
      field: key,
      pointer: `${pointer}/${key}`,
      message: `${name} has no setting ${quoted(key)}; it has ${known.join(', ')}`,
    });
  }
  if (errors.length > 0) throw new ErrataError('unknown_config_key', errors[0]!.message, { errors });
  const parsed = partialSettingsOf(name).safeParse(overrides);
  if (parsed.success) return parsed.data;
  const located: Complaint[] = parsed.error.issues.map((issue) => ({
    code: 'invalid_config',
    field: issue.path.join('.'),
    pointer: `${pointer}/${issue.path.join('/')}`,
    message: sayIssue(issue, overrides),
  }));
  throw new ErrataError('invalid_config', `${name}: ${located.map(({ message }) => message).join('; ')}`, {
    errors: located,
  });
}

const scoreSchema = z.strictObject({
  reliability: z.number(),
  generalization: z.number().nullable(),
  locality: z.number().nullable(),
  score: z.number(),
});

/** What a tuning found of an editor, and on how many edits that took no part in the choice. */
const tunedSchema = z.strictObject({
  settings: z.record(z.string(), z.unknown()),
  edits: z.int(),
  before: scoreSchema,
  after: scoreSchema,
  tried: z.int(),
  seed: z.int(),
});

/** Defaults a model directory may bring along (its `errata.json`). */
export const modelDefaultsSchema = z.strictObject({
  editors: z.record(editorNameSchema, z.record(z.string(), z.unknown())).default({}),
  /** Where settings among the editors' come from, where they were tuned. */
  tuned: z.record(editorNameSchema, tunedSchema).optional(),
  /** Text, relative to the directory, for second moments and for perplexity. */
  corpus: z.string().optional(),
  /** What artefacts of some kinds are, or are built from: a file of each kind, relative to the directory. */
  artefacts: z.partialRecord(z.enum(artefactKindNames), z.string()).optional(),
});
export type ModelDefaults = z.output<typeof modelDefaultsSchema>;

/** Families whose prompts an encoder reads, by the `model_type` of their config.json. */
export const overEncoderTypes: readonly string[] = ['bart', 't5'];

/** What is to be said of an editor that does not edit models of a shape. */
export function unsuited(name: EditorName, { model_type }: Pick<ModelShape, 'model_type'>): ErrataError | undefined {
  const why = overEncoderTypes.includes(model_type) ? describeEditor(name).overEncoder : null;
  if (why === null) return undefined;
  const others = editorNames.filter((other) => describeEditor(other).overEncoder === null);
  return new ErrataError(
    'unsupported_model',
    `${writtenEditor(name)} does not edit ${model_type} models: ${why}; ${others.join(', ')} do`,
    { details: { editor: name, model_type } },
  );
}

const isFor = ({ model_types, layers, width }: DefaultRow['match'], shape: ModelShape): boolean =>
  (model_types ?? [shape.model_type]).includes(shape.model_type) &&
  (layers ?? shape.layers) === shape.layers &&
  (width ?? shape.width) === shape.width;

/**
 * The complete settings of an editor for a model: its rows of defaults, then the model's own, then the caller's.
 * @throws ErrataError `unsupported_model` where the editor does not edit such models, `unknown_config_key`, `invalid_config`
 */
export function resolveConfig(
  name: EditorName,
  shape: ModelShape,
  defaults: ModelDefaults | undefined,
  overrides: EditorSettings,
): EditorSettings {
  const refusal = unsuited(name, shape);
  if (refusal !== undefined) throw refusal;
  const { defaults: rows, settings, misfit } = describeEditor(name);
  const table = rows.filter(({ match }) => isFor(match, shape)).map((row) => row.settings(shape));
  const given = checkOverrides(name, overrides);
  const merged = Object.assign({}, ...table, checkOverrides(name, defaults?.editors[name] ?? {}), given);
  const config = settings.parse(merged);
  const wrong = misfit(config, shape);
  if (wrong === undefined) return config;
  const { field, message } = wrong;
  throw new ErrataError('invalid_config', message, {
    errors: [{ code: 'invalid_config', field, pointer: `/config/${field}`, message }],
  });
}

/** What an editor needs beforehand under complete settings, for edits with this seed. */
export const artefactNeeds = (
  name: EditorName,
  config: EditorSettings,
  shape: ModelShape,
  seed: number,
): readonly ArtefactNeed[] => describeEditor(name).needs(config, shape, seed);
