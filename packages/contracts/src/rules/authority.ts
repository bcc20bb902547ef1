// What an action needs of whoever asks for it: scopes, told from the content of the action, wherever it is started from.
import { ErrataError } from '../errors.ts';
import type { Scope } from '../wire/resource-parts.ts';
import type { JobKind } from '../wire/states.ts';

/** A scope that an action takes, and what of it takes it, to go on a sentence with. */
export interface Need {
  readonly scope: Scope;
  readonly why: string;
}

const scopeOfKind: Record<JobKind, Scope> = {
  import: 'admin',
  artefact: 'edits:write',
  edit: 'edits:write',
  rollback: 'versions:rollback',
  evaluation: 'evals:write',
  evaluation_shard: 'evals:write',
  bisect: 'evals:write',
  blame: 'evals:write',
  comparison: 'evals:write',
  check: 'admin',
  collection: 'admin',
};

/** Fields of a job's input that reach further than its kind. */
const scopeOfField: Partial<Record<JobKind, Readonly<Record<string, Need>>>> = {
  edit: { gate: { scope: 'admin', why: " to replace the branch's gate" } },
  artefact: { corpus: { scope: 'admin', why: " to read a file of the worker's machine" } },
  evaluation: {
    gate: { scope: 'versions:rollback', why: ' to hold an evaluation against the gate of a branch' },
  },
};

/** What submitting a job takes, from what it asks for; and so does stopping, repeating or scheduling it. */
export function needsOfJob({
  kind,
  input,
}: {
  readonly kind: JobKind;
  readonly input: Readonly<Record<string, unknown>>;
}): readonly Need[] {
  const further = Object.entries(scopeOfField[kind] ?? {}).flatMap(([field, need]) => {
    const asked = input[field];
    return asked === undefined || asked === null || asked === false ? [] : [need];
  });
  return [{ scope: scopeOfKind[kind], why: ` for ${kind} jobs` }, ...further];
}

/** The first need that scopes do not meet; null when they meet all. `admin` stands for every scope. */
export const unmetNeed = (scopes: readonly string[], needs: readonly Need[]): Need | null =>
  scopes.includes('admin') ? null : (needs.find(({ scope }) => !scopes.includes(scope)) ?? null);

/** @throws ErrataError `missing_scope` naming the first scope that is missing, and why it is asked for */
export function requireNeeds(scopes: readonly Scope[], needs: readonly Need[]): void {
  const unmet = unmetNeed(scopes, needs);
  if (unmet === null) return;
  const { scope, why } = unmet;
  throw new ErrataError(
    'missing_scope',
    `this needs the scope ${scope}${why}; the key has ${scopes.join(', ') || 'none'}`,
    { details: { scope } },
  );
}
