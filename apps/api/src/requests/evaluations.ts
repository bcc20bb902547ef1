// Reading a request for an evaluation: what is to be asked, every case checked.
import {
  checkingCases,
  checkingEdits,
  customIdOf,
  derivedSuites,
  ErrataError,
  type EvaluatedEditor,
  evaluationLimits,
  type evaluationRequestSchema,
  inSlices,
  type ModelResource,
  parsingCases,
  parsingEdits,
  type SuiteCase,
} from '@errata/contracts';
import { checkOverrides, requireEditor, resolveConfig } from '@errata/editors/catalogue';
import type { EvaluationSubmission } from '@errata/lineage';
import type { z } from 'zod';
import { checkBatchSize, countLines, refusedLines } from './edits.ts';

export type CheckedEvaluationRequest = z.output<typeof evaluationRequestSchema>;

const editFields = ['edits', 'edits_jsonl'] as const;
const probeFields = ['probes', 'probes_jsonl'] as const;
type CaseField = (typeof editFields | typeof probeFields)[number];

/**
 * The cases of a request, all of them good, or the suite it names.
 * @throws ErrataError `invalid_request` for cases and a suite, or neither; as {@link readCases}
 */
export async function readSuite(request: CheckedEvaluationRequest): Promise<EvaluationSubmission['suite']> {
  const { suite } = request;
  if (suite === undefined) return readCases(request, 'suite');
  const [given] = [...editFields, ...probeFields].filter((field) => request[field] !== undefined);
  if (given !== undefined) throw badField('suite', `give a suite or ${given}, not both`);
  const derived = derivedSuites.find((name) => name === suite);
  return derived === undefined ? { source: 'stored', suite } : { source: derived };
}

/**
 * Edits, probes and items, or edits and behind them the others; all of them good.
 * @param or another field that could have been given
 * @throws ErrataError `invalid_request` where none is given, or one of them as JSON and as text; `payload_too_large`; `malformed_jsonl` or `invalid_edits`,
 * each complaint with its line or pointer
 */
export async function readCases(
  request: Pick<CheckedEvaluationRequest, CaseField>,
  or?: 'suite',
): Promise<{ readonly source: 'edits' | 'probes'; readonly cases: readonly SuiteCase[] }> {
  const { edits, edits_jsonl, probes, probes_jsonl } = request;
  const [editField, probeField] = [oneOf(request, editFields), oneOf(request, probeFields)];
  if (editField === undefined && probeField === undefined) {
    const names = [...editFields, ...probeFields, ...(or === undefined ? [] : [or])];
    throw badField(names.at(-1)!, `give ${names.slice(0, -1).join(', ')} or ${names.at(-1)}`);
  }
  const given = [edits?.length ?? countLines(edits_jsonl ?? ''), probes?.length ?? countLines(probes_jsonl ?? '')];
  checkBatchSize(given[0]! + given[1]!, 'cases', evaluationLimits.cases);
  const made = await inSlices(edits === undefined ? parsingEdits(edits_jsonl ?? '') : checkingEdits(edits));
  const asked = await inSlices(probes === undefined ? parsingCases(probes_jsonl ?? '') : checkingCases(probes));
  for (const { errors } of [made, asked]) if (errors.length > 0) throw refusedLines(errors);
  const cases: readonly SuiteCase[] = [...made.edits.map((edit) => ({ kind: 'edit' as const, edit })), ...asked.cases];
  requireOwnIds(cases, probeField);
  return { source: editField === undefined ? 'probes' : 'edits', cases };
}

function oneOf<F extends CaseField>(
  request: Pick<CheckedEvaluationRequest, CaseField>,
  names: readonly [F, F],
): F | undefined {
  const [given, second] = names.filter((field) => request[field] !== undefined);
  if (second !== undefined) throw badField(second, `give one of ${names.join(' and ')}`);
  return given;
}

/** Edits and the others are told apart by their ids. */
function requireOwnIds(cases: readonly SuiteCase[], field: string | undefined): void {
  const seen = new Set<string>();
  for (const item of cases) {
    const id = customIdOf(item);
    if (seen.has(id)) throw badField(field ?? 'probes', `the id ${JSON.stringify(id)} is that of an edit as well`);
    seen.add(id);
  }
}

function badField(field: string, message: string): ErrataError {
  return new ErrataError('invalid_request', `body: ${message}`, {
    errors: [{ code: 'invalid_request', field, pointer: `/${field}`, message }],
  });
}

/**
 * The editor that is to be evaluated, its settings checked against the model's shape; undefined where none is named.
 * @throws ErrataError `unknown_editor`, `unknown_config_key`, `invalid_config`; `invalid_request` for settings of no editor
 */
export function readEvaluatedEditor(
  request: CheckedEvaluationRequest,
  model: ModelResource,
): EvaluatedEditor | undefined {
  const { editor, config = {}, seed = 0, protocol = { kind: 'single' }, against, suite } = request;
  if (editor === undefined) {
    const stray = (['config', 'seed', 'protocol'] as const).find((field) => request[field] !== undefined);
    if (stray !== undefined) throw badField(stray, `${stray} is for an editor: name one`);
    return undefined;
  }
  if (against !== 'parent' && suite !== 'difference')
    throw badField('against', 'what an editor does to a version is held against the version itself: leave out against');
  const name = requireEditor(editor);
  const overrides = checkOverrides(name, config);
  resolveConfig(name, model, undefined, overrides);
  return { name, config: { ...overrides }, seed, protocol };
}
