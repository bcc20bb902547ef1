// What a span is, and what one is told to.

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanOptions {
  /** @defaultValue `internal` */
  readonly kind?: SpanKind;
  /** The `traceparent` of what it is part of, where that was elsewhere; null for a trace of its own. What is going on here when left out. */
  readonly parent?: string | null | undefined;
  /** When it began, where that was before now. */
  readonly startedAt?: Date;
  readonly attributes?: Attributes;
}

/** Something that has begun. */
export interface OpenSpan {
  /** As W3C Trace Context writes it. */
  readonly traceparent: string;
  /** Runs `work` as part of it, with all that follows from it. */
  within<T>(work: () => T): T;
  /** Only the first call counts. */
  end(came?: { readonly attributes?: Attributes; readonly error?: unknown }): void;
}

/** What sends spans to where they are wanted. */
export interface Collector {
  start(name: string, options: SpanOptions): OpenSpan;
  /** The `traceparent` of what is going on here; undefined where nothing is. */
  current(): string | undefined;
  stop(): Promise<void>;
}
