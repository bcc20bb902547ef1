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

const fields = ['edits', 'edits_jsonl', 'probes', 'probes_jsonl', 'suite'] as const;

/**
 * The cases of a request, all of them good, or the suite it names.
 * @throws ErrataError `invalid_request` when there is not exactly one source; `malformed_jsonl` or `invalid_edits`, each complaint
 * with its line or pointer
 */
export function readSuite(request: CheckedEvaluationRequest): EvaluationSubmission['suite'] {
  const given = fields.filter((field) => request[field] !== undefined);
  if (given.length !== 1) {
    const message = `give one of ${fields.join(', ')}${given.length === 0 ? '' : `, not ${given.join(' and ')}`}`;
    throw badField(given[1] ?? 'suite', message);
  }
  const { edits, edits_jsonl, probes, probes_jsonl, suite } = request;
  if (suite !== undefined) {
    const derived = derivedSuites.find((name) => name === suite);
    if (derived === undefined)
      throw badField('suite', `there is no suite ${JSON.stringify(suite)}; there are ${derivedSuites.join(' and ')}`);
    return { source: derived };
  }
  if (edits !== undefined || edits_jsonl !== undefined) {
    const read = edits === undefined ? parseEditsJsonl(edits_jsonl ?? '') : checkEdits(edits);
    return { source: 'edits', cases: allGood(read.errors, read.edits, (edit) => ({ kind: 'edit', edit })) };
  }
  const read = probes === undefined ? parseProbesJsonl(probes_jsonl ?? '') : checkProbes(probes);
  return { source: 'probes', cases: allGood(read.errors, read.probes, (probe) => ({ kind: 'probe', probe })) };
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
