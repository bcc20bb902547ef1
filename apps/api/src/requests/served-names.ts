// The names that completions take, and what they stand for: `name` (its branch `main`), `name@branch`, `name@alias`, `name@tag`, `name@ver_...`.
import type { VersionSource } from '@errata/contracts';
import { getModel, type Lineage, resolveReference, type StoredModel, sourceAt } from '@errata/lineage';

/** The branch that a bare name serves. */
export const mainBranch = 'main';

/** A version that is to answer. */
export interface Served {
  readonly version: string;
  /** The end of the chain of edits that it was reached by. */
  readonly tip: string | null;
  readonly model: StoredModel;
  readonly source: VersionSource;
}

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
export async function resolveServed(lineage: Lineage, name: string): Promise<Served> {
  const parts = partsOfName(name);
  const model = await getModel(lineage, parts.model);
  const { id, digest } = model.resource;
  const { version, tip } = await resolveReference(lineage, id, parts.reference);
  return { version, tip, model, source: await sourceAt(lineage, digest, tip) };
}
