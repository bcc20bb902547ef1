// A matrix: models, data sets, editors with their variations, and protocols, all combinations of which are run.
import { ErrataError, editorNameSchema, type Protocol, type ProtocolInput, protocolSchema } from '@errata/contracts';
import { requireEditor } from '@errata/editors/catalogue';
import { z } from 'zod';
import { abilityTasks } from '../ability/tasks.ts';

const size = z.int().min(1).max(100_000);
const oneOrMore = <T extends z.ZodType>(schema: T) => z.union([schema, z.array(schema).min(1)]);

const dataFields = { file: z.string().min(1), layout: z.string().optional(), limit: size.optional() };
const questionsSchema = z.union([z.string().min(1), z.strictObject(dataFields)]);
const dataSchema = z.union([
  z.string().min(1),
  z.strictObject({
    ...dataFields,
    /** Reference texts of its records. */
    references: z.string().min(1).optional(),
  }),
]);

const editorSchema = z.union([
  editorNameSchema,
  z.strictObject({
    editor: editorNameSchema,
    /** In tables and curves; the editor's own where left out. */
    name: z.string().min(1).optional(),
    /** Settings in place of the defaults. */
    set: z.record(z.string(), z.unknown()).default({}),
    /** Ablations: values of a setting, all combinations of which are run. */
    vary: z.record(z.string(), z.array(z.unknown()).min(1)).default({}),
  }),
]);

const matrixProtocolSchema = z.union([
  z.enum(['single', 'lifelong', 'efficiency']),
  z.strictObject({ kind: z.literal('single') }),
  z.strictObject({ kind: z.literal('batch'), size: oneOrMore(size) }),
  z.strictObject({
    kind: z.literal('lifelong'),
    batch: oneOrMore(size).default(1),
    checkpoints: z.array(size).optional(),
  }),
  z.strictObject({
    kind: z.literal('efficiency'),
    answers: size.optional(),
    checkpoints: z.array(size).optional(),
  }),
]);

export const matrixSchema = z.strictObject({
  title: z.string().min(1),
  /** Directories in Hugging Face layout. */
  models: z.array(z.string().min(1)).min(1),
  data: z.array(dataSchema).min(1),
  /** `none` measures the model as it is. */
  editors: z.array(editorSchema).min(1),
  protocols: z.array(matrixProtocolSchema).min(1),
  seed: z.int().min(0).default(0),
  /** Cases that texts are written for. */
  writers: z.int().min(0).optional(),
  /** General ability along the way: tasks with the files of their items. */
  ability: z
    .array(
      z.strictObject({
        task: z.enum(Object.keys(abilityTasks) as [keyof typeof abilityTasks]),
        file: z.string().min(1),
        layout: z.string().optional(),
        limit: size.optional(),
      }),
    )
    .default([]),
  /** Questions that no edit is about, asked along the way. */
  questions: questionsSchema.optional(),
});
export type Matrix = z.output<typeof matrixSchema>;
/** What a matrix file holds; TypeScript files export one by default. */
export type MatrixInput = z.input<typeof matrixSchema>;

export interface MatrixData {
  readonly file: string;
  readonly layout?: string | undefined;
  readonly limit?: number | undefined;
  readonly references?: string | undefined;
}

/** One run of a matrix. */
export interface MatrixCell {
  /** Of the editor with what is varied: unique among the editors of a matrix. */
  readonly name: string;
  readonly model: string;
  readonly data: MatrixData;
  /** `none`, or an editor with its settings. */
  readonly editor: string;
  readonly set: Readonly<Record<string, unknown>>;
  readonly protocol: Protocol;
}

/**
 * Checks a matrix.
 * @throws ErrataError `invalid_request` with every fault, `unknown_editor`
 */
export function parseMatrix(value: unknown, where: string): Matrix {
  const parsed = matrixSchema.safeParse(value);
  if (!parsed.success) {
    const errors = parsed.error.issues.map(({ path, message }) => ({
      code: 'invalid_request' as const,
      field: path.join('.'),
      pointer: `/${path.join('/')}`,
      message,
    }));
    throw new ErrataError('invalid_request', `${where} is not a matrix of evaluations`, { errors });
  }
  const names = new Set<string>();
  for (const { name, editor } of parsed.data.editors.flatMap(variations)) {
    if (editor !== 'none') requireEditor(editor);
    if (names.has(name))
      throw new ErrataError('invalid_request', `${where} has two editors called ${JSON.stringify(name)}: name one`);
    names.add(name);
  }
  return parsed.data;
}

/** All runs of a matrix: model by model, so that each is loaded once. The unedited model is run once on each data set. */
export function cellsOf({ models, data, editors, protocols }: Matrix): readonly MatrixCell[] {
  const runs = protocols.flatMap(protocolsOf);
  const inOrder = editors.flatMap(variations);
  return models.flatMap((model) =>
    data.flatMap((entry) =>
      inOrder.flatMap((variation) =>
        (variation.editor === 'none' ? [{ kind: 'single' } as const] : runs).map((protocol) => ({
          ...variation,
          model,
          data: typeof entry === 'string' ? { file: entry } : entry,
          protocol,
        })),
      ),
    ),
  );
}

type Variation = Pick<MatrixCell, 'name' | 'editor' | 'set'>;

/** The product of all that is varied. */
function variations(entry: Matrix['editors'][number]): readonly Variation[] {
  if (typeof entry === 'string') return [{ name: entry, editor: entry, set: {} }];
  const { editor, name = editor, set, vary } = entry;
  return Object.entries(vary).reduce<readonly Variation[]>(
    (found, [key, values]) =>
      found.flatMap((each) =>
        values.map((value) => ({
          editor,
          name: `${each.name}, ${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
          set: { ...each.set, [key]: value },
        })),
      ),
    [{ name, editor, set }],
  );
}

const list = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

function protocolsOf(entry: Matrix['protocols'][number]): readonly Protocol[] {
  const each = (): readonly ProtocolInput[] => {
    if (typeof entry === 'string') return [{ kind: entry }];
    if (entry.kind === 'batch') return list(entry.size).map((of) => ({ kind: 'batch', size: of }));
    if (entry.kind === 'lifelong') return list(entry.batch).map((batch) => ({ ...entry, batch }));
    return [entry];
  };
  return each().map((protocol) => protocolSchema.parse(protocol));
}

/** A folder's name for a run: letters, digits and dashes. */
export function slugOf({ name, protocol }: Pick<MatrixCell, 'name' | 'protocol'>): string {
  const how =
    protocol.kind === 'batch'
      ? `batch-${protocol.size}`
      : protocol.kind === 'lifelong' && protocol.batch > 1
        ? `lifelong-${protocol.batch}`
        : protocol.kind;
  return `${name} ${how}`.toLowerCase().replace(/[^a-z0-9.]+/g, '-');
}
