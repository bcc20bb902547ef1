// A method of an engine process: what it takes and what it gives.

export interface Method<Params, Result> {
  readonly params: Params;
  readonly result: Result;
}
