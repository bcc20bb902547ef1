// Reading a request for an evaluation: what is to be asked, every case checked.
import {
  type Complaint,
  checkEdits,
  checkOverrides,
  checkProbes,
  derivedSuites,
  ErrataError,
  type EvaluatedEditor,
  type evaluationRequestSchema,
  type ModelResource,
  parseEditsJsonl,
  parseProbesJsonl,
  requireEditor,
  resolveConfig,
  type SuiteCase,
} from '@errata/contracts';
import type { EvaluationSubmission } from '@errata/lineage';
import type { z } from 'zod';
import { refusedLines } from './edit-request.ts';

export type CheckedEvaluationRequest = z.output<typeof evaluationRequestSchema>;

const caseFields = ['edits', 'edits_jsonl', 'probes', 'probes_jsonl'] as const;
const fields = [...caseFields, 'suite'] as const;

/**
 * The cases of a request, all of them good, or the suite it names.
 * @throws ErrataError `invalid_request` when there is not exactly one source; as {@link readCases}
 */
export function readSuite(request: CheckedEvaluationRequest): EvaluationSubmission['suite'] {
  requireOne(request, fields);
  const { suite } = request;
  if (suite === undefined) return readCases(request);
  const derived = derivedSuites.find((name) => name === suite);
  return derived === undefined ? { source: 'stored', suite } : { source: derived };
}

type CaseFields = Pick<CheckedEvaluationRequest, (typeof caseFields)[number]>;

/**
 * Edits or probes, all of them good.
 * @throws ErrataError `invalid_request` when there is not exactly one source; `malformed_jsonl` or `invalid_edits`, each complaint
 * with its line or pointer
 */
export function readCases(request: CaseFields): {
  readonly source: 'edits' | 'probes';
  readonly cases: readonly SuiteCase[];
} {
  requireOne(request, caseFields);
  const { edits, edits_jsonl, probes, probes_jsonl } = request;
  if (edits !== undefined || edits_jsonl !== undefined) {
    const read = edits === undefined ? parseEditsJsonl(edits_jsonl ?? '') : checkEdits(edits);
    return { source: 'edits', cases: allGood(read.errors, read.edits, (edit) => ({ kind: 'edit', edit })) };
  }
  const read = probes === undefined ? parseProbesJsonl(probes_jsonl ?? '') : checkProbes(probes);
  return { source: 'probes', cases: allGood(read.errors, read.probes, (probe) => ({ kind: 'probe', probe })) };
}

function requireOne<F extends string>(request: Readonly<Partial<Record<F, unknown>>>, names: readonly F[]): void {
  const given = names.filter((field) => request[field] !== undefined);
  if (given.length === 1) return;
  const message = `give one of ${names.join(', ')}${given.length === 0 ? '' : `, not ${given.join(' and ')}`}`;
  throw badField(given[1] ?? names.at(-1)!, message);
}

function allGood<T>(errors: readonly Complaint[], items: readonly T[], asCase: (item: T) => SuiteCase) {
  if (errors.length > 0) throw refusedLines(errors);
  return items.map(asCase);
}

export function badField(field: string, message: string): ErrataError {
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
