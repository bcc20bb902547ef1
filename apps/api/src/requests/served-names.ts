// The names that completions take: `name` (its branch `main`), `name@branch`, `name@alias`, `name@tag`, `name@ver_...`.
import { findServed, type Lineage, type Served } from '@errata/lineage';

/** The branch that a bare name serves. */
export const mainBranch = 'main';

/** A name of a model, and what of it is meant. */
export function partsOfName(served: string): { readonly model: string; readonly reference: string } {
  const at = served.indexOf('@');
  return at < 0
    ? { model: served, reference: mainBranch }
    : { model: served.slice(0, at), reference: served.slice(at + 1) };
}

/**
 * The version that a name stands for now; a model's id serves as its name.
 * @throws ErrataError `unknown_model`, `unknown_reference`, `unknown_version`
 */
export function resolveServed(lineage: Lineage, name: string): Promise<Served> {
  const { model, reference } = partsOfName(name);
  return findServed(lineage, model, reference);
}
