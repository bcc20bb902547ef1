// A method of an engine process: what it takes, what it gives, and what it gives of that already while it works.

export interface Method<Params, Result, Part = never> {
  readonly params: Params;
  readonly result: Result;
  readonly part: Part;
}
