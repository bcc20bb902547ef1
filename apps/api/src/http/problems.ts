// Anything thrown becomes one shape: RFC 9457 problem details with our code, the request's id and located complaints.
import {
  type Complaint,
  ErrataError,
  type ErrorCode,
  errorCatalogue,
  type Problem,
  toPlainError,
} from '@errata/contracts';
import { explainOutage } from '@errata/lineage';

/** Characters of a path parameter at most. */
export const longestParameter = 300;

export const problemType = 'application/problem+json; charset=utf-8';

/** What the framework throws by itself, in our words. */
const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'invalid_request',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_request',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_request',
  FST_ERR_BAD_URL: 'invalid_request',
  FST_ERR_MAX_PARAM_LENGTH: 'invalid_request',
  FST_ERR_ASYNC_CONSTRAINT: 'invalid_request',
  // Node's own, of what could not be read as a request.
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
};

const frameworkMessages: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE:
    'the body is larger than such a request may have: 2 MiB, or where it brings edits or cases what BODY_LIMIT says',
  FST_ERR_CTP_INVALID_MEDIA_TYPE:
    'the body must be application/json (edit jobs and inboxes also take application/x-ndjson)',
  FST_ERR_CTP_INVALID_JSON_BODY: 'the body is not JSON, or holds a key that JSON objects must not have (__proto__)',
  FST_ERR_BAD_URL: 'path: a % in the address is not followed by the code of a UTF-8 character',
  FST_ERR_MAX_PARAM_LENGTH: `path: a part of it is longer than ${longestParameter} characters`,
  ERR_HTTP_REQUEST_TIMEOUT: 'the whole of a request must come within the time that the service waits for it',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'the body is empty, but the content type says application/json',
};

/**
 * The answer to a failure. A defect of ours says `internal` and nothing of its cause: that is in the log, under the
 * same request id.
 */
export function toProblem(thrown: unknown, requestId: string): Problem {
  const error = inOurWords(thrown);
  const { status, title, retryable } = errorCatalogue[error.code];
  return {
    type: `urn:errata:error:${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    request_id: requestId,
    retryable,
    errors: error.errors.map((complaint: Complaint) => ({ ...complaint })),
    ...(Object.keys(error.details).length > 0 ? { details: { ...error.details } } : {}),
    error: {
      message: error.message,
      type: kindOf(status),
      param: error.errors[0]?.field ?? null,
      code: error.code,
    },
  };
}

/** Kinds of errors as clients of the widespread completion API know them. */
const kinds: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
};

const kindOf = (status: number): string => kinds[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');

/** Whether a failure is ours to mend, so that it belongs in the log with its cause. */
export const isDefect = (thrown: unknown): boolean => {
  const { code } = inOurWords(thrown);
  return code === 'internal' || errorCatalogue[code].status >= 500;
};

function inOurWords(raised: unknown): ErrataError {
  const thrown = explainOutage(raised);
  // A blob's path or an engine's standard error is for the log, not for whoever asks.
  if (thrown instanceof ErrataError) {
    const { stderr: _, ...details } = thrown.details;
    return new ErrataError(thrown.code, thrown.message, { errors: thrown.errors, details });
  }
  const framework = codeOf(thrown);
  if (framework !== undefined) {
    const code = framework.startsWith('HPE_')
      ? (frameworkCodes[framework] ?? 'invalid_request')
      : frameworkCodes[framework];
    if (code !== undefined) return new ErrataError(code, frameworkMessages[framework] ?? (thrown as Error).message);
  }
  const { code } = toPlainError(thrown);
  return new ErrataError(
    code,
    `${errorCatalogue[code].title}. The log of the service says more under this request id.`,
  );
}

const codeOf = (thrown: unknown): string | undefined =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
