// Reading a request for edits: JSON or lines, every edit checked, the editor and its settings known, conflicts found.
import { randomUUID } from 'node:crypto';
import {
  type BranchResource,
  type Complaint,
  type ConfigOverrides,
  checkEdits,
  checkingEdits,
  complaintsKept,
  dryRunLevels,
  type Edit,
  type EditPlan,
  ErrataError,
  type editJobRequestSchema,
  type inboxBodySchema,
  inSlices,
  type ModelResource,
  nameOrIdSchema,
  normaliseAnswer,
  onErrorChoices,
  type ParsedEdits,
  parsingEdits,
  placeOfField,
  questionsOf,
  textLimits,
} from '@errata/contracts';
import { checkOverrides, type EditorName, lacksSubject, requireEditor, resolveConfig } from '@errata/editors/catalogue';
import type { EngineClient, ResultOf } from '@errata/engine';
import { activeEdits, editCosts, editsById, type Lineage, type StoredModel } from '@errata/lineage';
import { z } from 'zod';
import { checkPart, complaintsShown } from '../http/validation.ts';
import type { ApiParts } from '../parts.ts';
import { modelReference } from './model-reference.ts';

/** A batch without a complaint. */
export type GoodEdits = Pick<ParsedEdits, 'edits' | 'places'>;

export type CheckedEditJobRequest = z.output<typeof editJobRequestSchema>;

export const ndjsonContentType = 'application/x-ndjson';

/** The fields of a request whose body is JSONL, as query parameters. */
export const lineQuery = z.strictObject({
  model: nameOrIdSchema.optional(),
  branch: nameOrIdSchema.optional(),
  editor: nameOrIdSchema.optional(),
  config: z.string().max(16_384).optional().describe("The editor's settings as a JSON object"),
  parent_version_id: nameOrIdSchema.optional(),
  on_conflict: z.enum(['fail', 'rebase']).optional(),
  on_error: z.enum(onErrorChoices).optional(),
  seed: z.coerce.number().int().min(0).max(0xffff_ffff).optional(),
  dry_run: z.enum(['true', 'false']).optional(),
  level: z.enum(dryRunLevels).optional(),
  force: z.enum(['true', 'false']).optional(),
});

/** A JSONL body with its query, in the form of the JSON body. @throws ErrataError `invalid_request` */
export function fromLines(jsonl: string, query: unknown): Record<string, unknown> {
  const { config, dry_run, force, ...fields } = checkPart(lineQuery, query, 'querystring');
  return {
    ...fields,
    ...(config === undefined ? {} : { config: parseConfig(config) }),
    ...(dry_run === undefined ? {} : { dry_run: dry_run === 'true' }),
    ...(force === undefined ? {} : { force: force === 'true' }),
    edits_jsonl: jsonl,
  };
}

function parseConfig(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const message = 'config: not a JSON object';
    throw new ErrataError('invalid_request', `query: ${message}`, {
      errors: [{ code: 'invalid_request', field: 'config', message }],
    });
  }
}

/**
 * The edits of a request, all of them good.
 * @throws ErrataError `invalid_request` when there are none or they come both ways; `payload_too_large`; `malformed_jsonl`
 * when the only complaints are lines that are not JSON, otherwise `invalid_edits`, each complaint with its line or pointer
 */
export async function readEdits(request: CheckedEditJobRequest): Promise<GoodEdits> {
  const { edits: values, edits_jsonl: jsonl } = request;
  if ((values === undefined) === (jsonl === undefined)) throw badField('edits', 'give either edits or edits_jsonl');
  const given = values?.length ?? countLines(jsonl ?? '');
  if (given === 0) throw badField(values === undefined ? 'edits_jsonl' : 'edits', 'there are no edits');
  checkBatchSize(given, 'edits', textLimits.batch);
  return goodEdits(await inSlices(values === undefined ? parsingEdits(jsonl ?? '') : checkingEdits(values)));
}

/**
 * The edits of a delivery to an inbox: the body is one edit, an array of them, or lines. An edit without a `custom_id` gets one.
 * @throws ErrataError as {@link readEdits} does
 */
export async function readDelivery(body: z.output<typeof inboxBodySchema>): Promise<GoodEdits> {
  if (typeof body === 'string') {
    const given = countLines(body);
    if (given === 0) throw badField('', 'there are no edits');
    checkBatchSize(given, 'edits', textLimits.batch);
    return goodEdits(await inSlices(parsingEdits(body, () => randomUUID())));
  }
  if (!Array.isArray(body))
    return goodEdits(
      checkEdits(
        [body],
        () => ({ pointer: '' }),
        () => randomUUID(),
      ),
    );
  checkBatchSize(body.length, 'edits', textLimits.batch);
  return goodEdits(
    await inSlices(
      checkingEdits(
        body,
        (index) => ({ pointer: `/${index}` }),
        () => randomUUID(),
      ),
    ),
  );
}

/** Before any of them is looked at. @throws ErrataError `payload_too_large` */
export function checkBatchSize(given: number, what: 'edits' | 'cases', limit: number): void {
  if (given <= limit) return;
  throw new ErrataError('payload_too_large', `${given} ${what} in one request; ${limit} are allowed`, {
    details: { [what]: given, limit },
  });
}

function goodEdits({ edits, places, errors }: ParsedEdits): GoodEdits {
  if (errors.length > 0) throw refusedLines(errors);
  return { edits, places };
}

/**
 * Lays a batch out with the model's tokenizer.
 * @throws ErrataError `invalid_edits` where a prompt, its own or a probe's, is longer with its answer than the model reads, each by
 * line or pointer; `tokenizer_missing`
 */
export async function layOutBatch(
  tokenizers: EngineClient,
  model: StoredModel,
  { edits, places }: GoodEdits,
  signal: AbortSignal,
): Promise<Omit<ResultOf<'layOutEdits'>, 'complaints'>> {
  const { context } = model.resource;
  const laidOut = await tokenizers.call('layOutEdits', { model: modelReference(model), context, edits }, { signal });
  if (laidOut.complaints.length === 0) return laidOut;
  throw refusedLines(
    laidOut.complaints.map(({ position, path, code, message }) => ({
      code,
      ...placeOfField(places[position]!, path),
      field: path.join('.'),
      custom_id: edits[position]!.custom_id,
      message,
    })),
  );
}

/** Lines that are not blank. */
export const countLines = (jsonl: string): number => {
  let lines = 0;
  for (const line of jsonl.split('\n')) if (line.trim() !== '') lines += 1;
  return lines;
};

/** What is wrong with the lines or items of a batch. */
export function refusedLines(errors: readonly Complaint[]): ErrataError {
  const first = errors[0]!;
  const where = first.line === undefined ? first.pointer : `line ${first.line}`;
  const least = errors.length < complaintsKept ? '' : 'at least ';
  const more = errors.length === 1 ? '' : `, and ${least}${errors.length - 1} more`;
  const code = errors.every((complaint) => complaint.code === 'malformed_jsonl') ? 'malformed_jsonl' : 'invalid_edits';
  return new ErrataError(code, `${where}: ${first.message}${more}; nothing was queued`, {
    errors: errors.slice(0, complaintsShown),
    details: { complaints: errors.length },
  });
}

export function badField(field: string, message: string): ErrataError {
  return new ErrataError('invalid_request', `body: ${message}`, {
    errors: [{ code: 'invalid_request', field, pointer: `/${field}`, message }],
  });
}

/** The editor that will run, its settings checked against the model's shape. @throws `unknown_editor`, `unknown_config_key`, `invalid_config` */
export function readEditor(
  request: CheckedEditJobRequest,
  model: ModelResource,
  branch: BranchResource,
): { readonly editor: EditorName; readonly config: ConfigOverrides } {
  const editor = requireEditor(request.editor ?? branch.default_editor);
  const config = checkOverrides(editor, request.config);
  resolveConfig(editor, model, undefined, config);
  return { editor, config };
}

/** @throws ErrataError `invalid_edits` with every edit that names no subject, where the editor needs one, by line or pointer */
export function requireSubjects(editor: EditorName, { edits, places }: GoodEdits): void {
  const complaints = edits.flatMap((edit, position): Complaint[] => {
    const lack = lacksSubject(editor, edit);
    if (lack === undefined) return [];
    const { code, message } = lack;
    return [
      { code, ...placeOfField(places[position]!, ['subject']), field: 'subject', custom_id: edit.custom_id, message },
    ];
  });
  if (complaints.length > 0) throw refusedLines(complaints);
}

/** What a dry run answers about a batch that could be queued. @throws ErrataError as {@link layOutBatch}; `unknown_config_key`, `invalid_config` */
export async function planBatch(
  { lineage, tokenizers }: ApiParts,
  model: StoredModel,
  branch: BranchResource,
  batch: GoodEdits,
  { editor, config }: ReturnType<typeof readEditor>,
  signal: AbortSignal,
): Promise<EditPlan> {
  const { layouts, defaults } = await layOutBatch(tokenizers, model, batch, signal);
  const { jobs, seconds_per_edit } = await editCosts(lineage, model.resource.id, editor);
  const { id, context } = model.resource;
  return {
    object: 'edit_plan',
    model_id: id,
    branch: branch.name,
    parent_version_id: branch.head,
    editor,
    config: { ...resolveConfig(editor, model.resource, defaults, config) },
    edits: layouts.length,
    tokens: {
      total: layouts.reduce((sum, { prompt_tokens, target_tokens }) => sum + prompt_tokens + target_tokens, 0),
      longest: Math.max(...layouts.map(({ longest }) => longest)),
      context,
    },
    layouts: layouts.map((layout) => ({ ...layout, subject: layout.subject && { ...layout.subject } })),
    cost: { jobs, seconds_per_edit, seconds: seconds_per_edit === null ? null : seconds_per_edit * layouts.length },
    conflicts: await findConflicts(lineage, branch, batch.edits),
  };
}

/** The active edits of a branch that answer a question which one of these edits answers. */
async function findConflicts(
  db: Lineage,
  branch: BranchResource,
  edits: readonly Edit[],
): Promise<EditPlan['conflicts']> {
  const active = await activeEdits(db, branch.id);
  const stored = await editsById(
    db,
    active.map(({ id }) => id),
  );
  const answers = new Map<string, { readonly id: string; readonly target: string }>();
  for (const { id } of active) {
    const { edit } = stored.get(id)!;
    for (const question of questionsOf(edit)) answers.set(question, { id, target: edit.target_new });
  }
  return edits.flatMap((edit) => {
    const earlier = questionsOf(edit)
      .map((question) => answers.get(question))
      .find((answer) => answer !== undefined);
    if (earlier === undefined) return [];
    return [
      {
        custom_id: edit.custom_id,
        edit_id: earlier.id,
        target_new: edit.target_new,
        active_target: earlier.target,
        same_answer: normaliseAnswer(earlier.target) === normaliseAnswer(edit.target_new),
      },
    ];
  });
}
