// The editors and their settings: schemas and defaults as data, each with its provenance. packages/editors gives them life.
import { z } from 'zod';
import { type Complaint, ErrataError } from './errors.ts';
import { quoted, sayIssue } from './text/plain-issues.ts';
import { nameOrIdSchema } from './wire/resource-parts.ts';

const layer = z.int().min(0);
const positive = z.number().positive();
const nonNegative = z.number().min(0);

/** Optimisation of a value vector at the subject's last token (ROME, section 3.1; MEMIT, section 4.3). */
const valueSearch = {
  steps: z.int().min(1).max(500).describe('Steps of Adam at most.'),
  learning_rate: positive.max(10).describe('Of Adam.'),
  weight_decay: nonNegative.describe('Weight of ||delta|| / ||v_init||^2 in the loss.'),
  clamp_factor: positive.max(100).describe('||delta|| is kept within this multiple of ||v_init||.'),
  kl_factor: nonNegative.describe('Weight of KL(p_delta || p0) on "{subject} is a".'),
  stop_loss: nonNegative.describe('The search for an edit ends once its loss falls below this.'),
  prefixes: z
    .array(z.tuple([z.int().min(1).max(100), z.int().min(1).max(50)]))
    .max(5)
    .describe('Sampled context prefixes as [count, length in tokens] pairs; the bare prompt always takes part.'),
};

const romeConfig = z.strictObject({
  layer: layer.describe('Where the edit is made.'),
  ...valueSearch,
  second_moment: z
    .boolean()
    .describe("Solve with the second moment C of the layer's keys, as the paper does; false takes C = I."),
});

const rebuiltRomeConfig = romeConfig.extend({
  solve_for: z
    .enum(['offset', 'bare_value'])
    .describe(
      "What is done to the mean key's value: `offset` adds the offset that was searched for; `bare_value` makes it the bare prompt's value plus the offset, as the reference code does.",
    ),
});

const memitConfig = z.strictObject({
  layers: z
    .array(layer)
    .min(1)
    .max(64)
    .refine((layers) => layers.every((each, index) => index === 0 || each > layers[index - 1]!), 'must ascend')
    .describe('Where the edits are made, in ascending order; values are searched for at the last.'),
  ...valueSearch,
  second_moment_weight: positive.describe(
    'lambda: weight of the second moment against the edited keys (MEMIT, equation 14).',
  ),
  merge_same_subject: z
    .boolean()
    .describe('Optimise one shared value for edits with one subject (MEMIT-Merge); false leaves them to collide.'),
});

const fineTuneConfig = z.strictObject({
  layer: layer.describe('Where the matrix is.'),
  learning_rate: positive.max(1).describe('Of Adam.'),
  epochs: z.int().min(1).max(1000).describe('Passes over the batch at most.'),
  batch_size: z.int().min(1).max(512).describe('Edits a step.'),
  weight_decay: nonNegative.describe('This multiple of the weights is added to their gradient.'),
  stop_loss: nonNegative.describe(
    "Training ends once the mean loss of a pass falls below this; smaller batches' steps are skipped below it.",
  ),
  norm_constraint: positive.nullable().describe('Largest change of any weight (L-infinity); null for none.'),
  objective: z
    .enum(['target_new', 'prompt_last'])
    .describe(
      "`target_new`: cross-entropy over the target's tokens. `prompt_last`: all target tokens read at the prompt's last position.",
    ),
});

const graceConfig = z.strictObject({
  layer: layer.describe('Which layer the codebook stands beside.'),
  site: z
    .enum(['c_fc', 'c_proj'])
    .describe('Which linear map of the MLP is wrapped: its first (`c_fc`) or its last (`c_proj`).'),
  replacement: z
    .enum(['last', 'prompt'])
    .describe(
      "Which outputs the value replaces: the last prompt position's (`last`), or those of all positions before it (`prompt`).",
    ),
  epsilon: positive.describe('Radius of a new key, in the units of the key space.'),
  steps: z.int().min(1).max(1000).describe('Steps of Adam for a value.'),
  learning_rate: positive.max(10).describe('Of Adam.'),
  initial_value: z.enum(['cold', 'warm']).describe('Start of the value: uniform random or the current output.'),
  stop_loss: nonNegative.describe('The search for a value ends once its loss falls below this.'),
});

interface EditorEntry {
  readonly title: string;
  readonly paper: string;
  readonly config: z.ZodObject;
  readonly needsSecondMoment: boolean;
  /** Whether several edits are solved together; otherwise they are applied one after another. */
  readonly batched: boolean;
}

export const editorCatalogue = {
  'r-rome': {
    title: 'r-ROME: rank-one edit of one MLP with the averaged key on both sides',
    paper: 'Gupta et al. 2024, Rebuilding ROME',
    config: rebuiltRomeConfig,
    needsSecondMoment: true,
    batched: false,
  },
  rome: {
    title: 'ROME as first published: averaged key to solve, bare key to scale',
    paper: 'Meng et al. 2022, Locating and Editing Factual Associations in GPT',
    config: romeConfig,
    needsSecondMoment: true,
    batched: false,
  },
  memit: {
    title: 'MEMIT: many edits at once spread over several MLPs',
    paper: 'Meng et al. 2023, Mass-Editing Memory in a Transformer; MEMIT-Merge for equal subjects',
    config: memitConfig,
    needsSecondMoment: true,
    batched: true,
  },
  'ft-m': {
    title: 'FT-M: fine-tune one MLP matrix on the target tokens',
    paper: 'Zhang et al. 2024, A Comprehensive Study of Knowledge Editing; Zhu et al. 2020',
    config: fineTuneConfig,
    needsSecondMoment: false,
    batched: true,
  },
  'ft-l': {
    title: 'FT-L: fine-tune one MLP matrix within an L-infinity bound, read at the last prompt position',
    paper: 'Meng et al. 2022, baseline FT+L; objective as in Yao et al. 2023',
    config: fineTuneConfig,
    needsSecondMoment: false,
    batched: true,
  },
  grace: {
    title: 'GRACE: a codebook of keys and values beside one layer',
    paper: 'Hartvigsen et al. 2023, Aging with GRACE',
    config: graceConfig,
    needsSecondMoment: false,
    batched: false,
  },
} as const satisfies Record<string, EditorEntry>;

export type EditorName = keyof typeof editorCatalogue;
export const editorNames = Object.keys(editorCatalogue) as EditorName[];
export const defaultEditor: EditorName = 'r-rome';
export type EditorConfig<N extends EditorName> = z.output<(typeof editorCatalogue)[N]['config']>;
export type RomeConfig = z.output<typeof romeConfig>;
export type RebuiltRomeConfig = z.output<typeof rebuiltRomeConfig>;
export type MemitConfig = z.output<typeof memitConfig>;
export type FineTuneConfig = z.output<typeof fineTuneConfig>;
export type GraceConfig = z.output<typeof graceConfig>;
export type ConfigOverrides = Readonly<Record<string, unknown>>;

/** As people write it: what its title begins with. */
export const writtenEditor = (name: EditorName): string => /^[^\s:]+/.exec(editorCatalogue[name].title)![0];

export const isEditorName = (name: string): name is EditorName => Object.hasOwn(editorCatalogue, name);

/** A name of an editor as people write it: in any case. Which ones there are is said by {@link requireEditor}. */
export const editorNameSchema = nameOrIdSchema.toLowerCase();

/** The editor of this name, in any case. @throws ErrataError `unknown_editor` */
export function requireEditor(name: string): EditorName {
  const known = name.toLowerCase();
  if (isEditorName(known)) return known;
  throw new ErrataError('unknown_editor', `unknown editor ${quoted(name)}; there are ${editorNames.join(', ')}`);
}

/** Checks the settings given for an editor, each by itself; every complaint names its key. Missing ones are filled in by the engine. */
export function checkOverrides(name: EditorName, overrides: ConfigOverrides, pointer = '/config'): ConfigOverrides {
  const schema: z.ZodObject = editorCatalogue[name].config;
  const known = Object.keys(schema.shape);
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
  const parsed = schema.partial().safeParse(overrides);
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

/** What is known of a model when its defaults are chosen. */
export interface ModelShape {
  readonly model_type: string;
  readonly layers: number;
  readonly width: number;
}

/** Defaults a model directory may bring along (its `errata.json`). */
export const modelDefaultsSchema = z.strictObject({
  editors: z.record(editorNameSchema, z.record(z.string(), z.unknown())).default({}),
  /** Text, relative to the directory, for second moments and for perplexity. */
  corpus: z.string().optional(),
});
export type ModelDefaults = z.output<typeof modelDefaultsSchema>;

const paperSearch = {
  steps: 20,
  learning_rate: 0.5,
  weight_decay: 0.5,
  clamp_factor: 4,
  kl_factor: 0.0625,
  stop_loss: 0.05,
};
const llamaSearch = { ...paperSearch, steps: 25, weight_decay: 1e-3 };

export interface DefaultRow {
  readonly editors: readonly EditorName[];
  /** Rows without a shape hold for every model of the family. */
  readonly match: Partial<ModelShape>;
  readonly settings: (shape: ModelShape) => ConfigOverrides;
  readonly source: string;
}

const at = (fraction: number) => (shape: ModelShape) =>
  Math.min(shape.layers - 1, Math.round(fraction * (shape.layers - 1)));
/** The same, with at least one layer after it where the model has two. */
const atBeforeLast = (fraction: number) => (shape: ModelShape) =>
  Math.max(0, Math.min(shape.layers - 2, at(fraction)(shape)));
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Later rows win. Settings were read from the reference repositories' hyperparameter files, or follow from them by depth where so marked. */
export const defaultRows: readonly DefaultRow[] = [
  {
    editors: ['rome', 'r-rome'],
    match: {},
    settings: (shape) => ({
      layer: at(0.36)(shape),
      ...paperSearch,
      prefixes: [
        [10, 5],
        [10, 10],
      ],
      second_moment: true,
    }),
    source: 'ROME repository, hparams/ROME/gpt2-xl.json; layer at its relative depth (17 of 48)',
  },
  {
    editors: ['r-rome'],
    match: {},
    settings: () => ({ solve_for: 'offset' }),
    source:
      'measured on a hundred edits of atlas: generalization 0.945 against 0.941 with `bare_value`, which the reference code has, other relations 0.813 against 0.818, the rest equal',
  },
  {
    editors: ['rome', 'r-rome'],
    match: { model_type: 'llama' },
    settings: (shape) => ({ ...llamaSearch, layer: at(0.16)(shape) }),
    source:
      'EasyEdit, hparams/ROME/llama-7b.yaml, whose `mom2_adjustment: false` is not taken over; layer at its relative depth (5 of 32)',
  },
  {
    editors: ['rome', 'r-rome'],
    match: { model_type: 'gpt2', layers: 24, width: 1024 },
    settings: () => ({ layer: 8, clamp_factor: 3 }),
    source: 'ROME repository, hparams/ROME/gpt2-medium.json',
  },
  {
    editors: ['rome', 'r-rome'],
    match: { model_type: 'gpt2', layers: 36, width: 1280 },
    settings: () => ({ layer: 12 }),
    source: 'ROME repository, hparams/ROME/gpt2-large.json',
  },
  {
    editors: ['rome', 'r-rome'],
    match: { model_type: 'gpt2', layers: 48, width: 1600 },
    settings: () => ({ layer: 17 }),
    source: 'ROME repository, hparams/ROME/gpt2-xl.json',
  },
  {
    editors: ['rome', 'r-rome'],
    match: { model_type: 'llama', layers: 32, width: 4096 },
    settings: () => ({ layer: 5 }),
    source: 'EasyEdit, hparams/ROME/llama-7b.yaml',
  },
  {
    editors: ['rome', 'r-rome'],
    match: { model_type: 'llama', layers: 28, width: 3072 },
    settings: () => ({ layer: 5 }),
    source: 'EasyEdit, hparams/ROME/llama3.2-3b.yaml',
  },
  {
    editors: ['memit'],
    match: {},
    settings: (shape) => ({
      layers: range(Math.max(0, at(0.36)(shape) - 4), at(0.36)(shape)),
      ...paperSearch,
      clamp_factor: 0.75,
      prefixes: [[5, 10]],
      second_moment_weight: 20_000,
      merge_same_subject: true,
    }),
    source: 'MEMIT repository, hparams/MEMIT/gpt2-xl.json; five layers ending at its relative depth (17 of 48)',
  },
  {
    editors: ['memit'],
    match: { model_type: 'llama' },
    settings: (shape) => ({
      ...llamaSearch,
      layers: range(Math.max(0, at(0.26)(shape) - 4), at(0.26)(shape)),
      second_moment_weight: 15_000,
    }),
    source: 'EasyEdit, hparams/MEMIT/llama-7b.yaml; five layers ending at its relative depth (8 of 32)',
  },
  {
    editors: ['memit'],
    match: { model_type: 'gpt2', layers: 48, width: 1600 },
    settings: () => ({ layers: range(13, 17) }),
    source: 'MEMIT repository, hparams/MEMIT/gpt2-xl.json',
  },
  {
    editors: ['memit'],
    match: { model_type: 'llama', layers: 28, width: 3072 },
    settings: () => ({ layers: range(4, 8) }),
    source: 'EasyEdit, hparams/MEMIT/llama3.2-3b.yaml',
  },
  {
    editors: ['ft-m', 'ft-l'],
    match: {},
    settings: (shape) => ({
      layer: at(0.02)(shape),
      learning_rate: 5e-4,
      epochs: 25,
      batch_size: 1,
      weight_decay: 0,
      stop_loss: 1e-2,
      norm_constraint: null,
      objective: 'target_new',
    }),
    source:
      'ROME repository, hparams/FT/gpt2-xl_unconstr.json, layer at its relative depth (1 of 48); a batch of one as in EasyEdit, hparams/FT/llama-7b.yaml',
  },
  {
    editors: ['ft-l'],
    match: {},
    settings: () => ({ layer: 0, norm_constraint: 5e-4, objective: 'prompt_last' }),
    source: 'ROME repository, hparams/FT/gpt2-xl_constr.json',
  },
  {
    editors: ['ft-l'],
    match: { model_type: 'gpt2', layers: 24, width: 1024 },
    settings: () => ({ norm_constraint: 2e-3 }),
    source: 'ROME repository, hparams/FT/gpt2-medium_constr.json',
  },
  {
    editors: ['ft-l'],
    match: { model_type: 'gpt2', layers: 36, width: 1280 },
    settings: () => ({ norm_constraint: 1e-3 }),
    source: 'ROME repository, hparams/FT/gpt2-large_constr.json',
  },
  {
    editors: ['ft-m', 'ft-l'],
    match: { model_type: 'llama' },
    settings: (shape) => ({ layer: at(0.68)(shape), norm_constraint: null }),
    source: 'EasyEdit, hparams/FT/llama-7b.yaml (`norm_constraint: false`); layer at its relative depth (21 of 32)',
  },
  {
    editors: ['ft-m', 'ft-l'],
    match: { model_type: 'llama', layers: 28, width: 3072 },
    settings: () => ({ layer: 21 }),
    source: 'EasyEdit, hparams/FT/llama3.2-3b.yaml',
  },
  {
    editors: ['grace'],
    match: {},
    settings: (shape) => ({
      layer: atBeforeLast(0.74)(shape),
      site: 'c_fc',
      replacement: 'last',
      epsilon: 1,
      steps: 100,
      learning_rate: 1,
      initial_value: 'cold',
      stop_loss: 1e-2,
    }),
    source:
      'GRACE repository, gpt2-xl (layer 35 of 48, c_fc); others at the same relative depth, but never at the last layer, behind which nothing attends; `replacement` as in EasyEdit, where the GRACE repository has `prompt`',
  },
  {
    editors: ['grace'],
    match: { model_type: 'llama' },
    settings: (shape) => ({ layer: atBeforeLast(0.87)(shape), site: 'c_proj', steps: 50 }),
    source:
      'EasyEdit, LLaMA-2-7B (layer 27 of 32, down_proj); others at the same relative depth, but never at the last layer',
  },
];

/**
 * The complete settings of an editor for a model: the table's defaults, then the model's own, then the caller's.
 * @throws ErrataError `unknown_config_key`, `invalid_config`
 */
export function resolveConfig<N extends EditorName>(
  name: N,
  shape: ModelShape,
  defaults: ModelDefaults | undefined,
  overrides: ConfigOverrides,
): EditorConfig<N> {
  const table = defaultRows
    .filter((row) => row.editors.includes(name))
    .filter((row) => Object.entries(row.match).every(([key, value]) => shape[key as keyof ModelShape] === value))
    .map((row) => row.settings(shape));
  const given = checkOverrides(name, overrides);
  const merged = Object.assign({}, ...table, checkOverrides(name, defaults?.editors[name] ?? {}), given);
  const config = editorCatalogue[name].config.parse(merged) as EditorConfig<N>;
  const layers = 'layers' in config ? config.layers : [config.layer];
  const beyond = layers.find((l) => l >= shape.layers);
  const field = 'layers' in config ? 'layers' : 'layer';
  if (beyond !== undefined)
    throw misplaced(field, `layer ${beyond} does not exist: the model has layers 0 to ${shape.layers - 1}`);
  if ('replacement' in config && config.replacement === 'prompt' && config.layer === shape.layers - 1)
    throw misplaced(
      field,
      `layer ${config.layer} is the last: what replaces outputs before the prompt's end is attended to by no layer after it`,
    );
  return config;
}

const misplaced = (field: string, message: string): ErrataError =>
  new ErrataError('invalid_config', message, {
    errors: [{ code: 'invalid_config', field, pointer: `/config/${field}`, message }],
  });
