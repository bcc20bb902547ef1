// The errors of this package: one class, a closed list of codes, and fields that say what and where.

/** Every code a {@link GraphError} can carry. */
export const graphErrorCodes = [
  'shape_mismatch',
  'dtype_mismatch',
  'bad_argument',
  'no_gradient',
  'cycle',
  'unbound_dimension',
  'duplicate_name',
  'bad_feed',
  'provider_unavailable',
  'session_failed',
  'released',
  'not_positive_definite',
  'not_converged',
  'bad_state',
] as const;

/** What kind of mistake a {@link GraphError} reports. */
export type GraphErrorCode = (typeof graphErrorCodes)[number];

/** Facts about where an error happened, kept as data so that callers need not parse sentences. */
export interface GraphErrorFields {
  /** Node, input or routine the error is about. */
  readonly where?: string;
  /** Shapes involved, in the order of the inputs. */
  readonly shapes?: readonly (readonly (number | string)[])[];
  readonly cause?: unknown;
}

/** Thrown for everything that this package refuses. */
export class GraphError extends Error {
  readonly code: GraphErrorCode;
  readonly where: string | undefined;
  readonly shapes: readonly (readonly (number | string)[])[] | undefined;

  constructor(code: GraphErrorCode, message: string, fields: GraphErrorFields = {}) {
    const shapes = fields.shapes?.map((dims) => `[${dims.join(', ')}]`).join(' ');
    super(
      `${fields.where === undefined ? '' : `${fields.where}: `}${message}${shapes === undefined ? '' : ` (shapes ${shapes})`}`,
      fields.cause === undefined ? undefined : { cause: fields.cause },
    );
    this.name = 'GraphError';
    this.code = code;
    this.where = fields.where;
    this.shapes = fields.shapes;
  }
}
