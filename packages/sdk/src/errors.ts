// What the client throws: the server's problem+json as an error with fields, and connections that never answered.
import { type Complaint, ErrataError, isErrorCode, type Problem } from '@errata/contracts';

/**
 * A request that the server refused or could not carry out. `code`, `errors` and `details` are the problem's own;
 * `requestId` is what the server's log knows the request by. A code newer than this client reads as `internal` and is
 * kept in `details.code`.
 */
export class ErrataApiError extends ErrataError {
  readonly requestId: string | null;
  readonly #status: number;
  readonly #retryable: boolean;
  /** Milliseconds that the server asked to wait before another attempt. */
  readonly retryAfterMs: number | null;

  constructor(problem: Omit<Problem, 'error'>, requestId: string | null, retryAfterMs: number | null) {
    const known = isErrorCode(problem.code);
    super(known ? (problem.code as ErrataError['code']) : 'internal', problem.detail, {
      errors: problem.errors as readonly Complaint[],
      details: known ? (problem.details ?? {}) : { ...problem.details, code: problem.code },
    });
    this.name = 'ErrataApiError';
    this.requestId = requestId;
    this.retryAfterMs = retryAfterMs;
    this.#status = problem.status;
    this.#retryable = problem.retryable;
  }

  override get status(): number {
    return this.#status;
  }

  override get retryable(): boolean {
    return this.#retryable;
  }
}

/** Reads an answer that is not a success; what is no problem+json (a proxy's page, say) becomes one by its status. */
export async function readProblem(response: Response): Promise<ErrataApiError> {
  const requestId = response.headers.get('x-request-id');
  const retryAfter = retryAfterMs(response.headers.get('retry-after'));
  const text = await response.text();
  if (response.headers.get('content-type')?.startsWith('application/problem+json')) {
    const problem = JSON.parse(text) as Problem;
    return new ErrataApiError(problem, problem.request_id, retryAfter);
  }
  const passing = response.status === 429 || response.status >= 502;
  const problem: Omit<Problem, 'error'> = {
    type: 'about:blank',
    title: response.statusText,
    status: response.status,
    detail: `the server answered ${response.status} without saying why`,
    code: passing ? 'unavailable' : 'internal',
    request_id: requestId ?? '',
    retryable: passing,
    errors: [],
    details: { body: text.slice(0, 500) },
  };
  return new ErrataApiError(problem, requestId, retryAfter);
}

function retryAfterMs(header: string | null): number | null {
  if (header === null) return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}
