// Reading a request for an evaluation: what is to be asked, every case checked.
import {
  type Complaint,
  checkEdits,
  checkProbes,
  derivedSuites,
  ErrataError,
  type evaluationRequestSchema,
  parseEditsJsonl,
  parseProbesJsonl,
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
