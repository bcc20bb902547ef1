// Building artefacts of a kind: with progress, from checkpoints, for as long as nobody calls it off.
import { type ArtefactNeed, canonicalJson, ErrataError, sha256 } from '@errata/contracts';
import type { ArtefactBuilder, Artefacts, BuildInput, BuildOptions, BuiltArtefact } from './builder.ts';
import type { ArtefactRequestFields } from './description.ts';
import { describeArtefact } from './index.ts';
import type { ArtefactStore } from './store.ts';

/** What builds and reads the artefacts of a kind. */
export const builderOf = async (kind: string): Promise<ArtefactBuilder> =>
  (await describeArtefact(kind).load()).builder as ArtefactBuilder;

/** Kinds that are made of texts or of weights; the others are of what a decoder by itself has at the tokens of a text. */
const ofAnyModel: readonly string[] = ['context_prefixes', 'demonstrations', 'sentence_encoder', 'weight_change'];

/** @throws ErrataError `unsupported_model` */
function requireReadable(kind: string, { model: { spec } }: BuildInput): void {
  if (spec.over === undefined || ofAnyModel.includes(kind)) return;
  throw new ErrataError(
    'unsupported_model',
    `${describeArtefact(kind).title}: they are made of decoders alone, and an encoder reads the prompts of a ${spec.family} model`,
    { details: { kind, model_type: spec.family } },
  );
}

/** What each of these would be built with now. @throws ErrataError `unsupported_model` where the kind is not of such models */
export async function buildParameters(
  kind: string,
  needs: readonly ArtefactNeed[],
  input: BuildInput,
): Promise<readonly ArtefactRequestFields[]> {
  requireReadable(kind, input);
  const { format } = describeArtefact(kind);
  const parameters = await (await builderOf(kind)).parameters(needs, input);
  return parameters.map((one) => ({ format, ...one }));
}

/** From what artefacts are built, and what becomes of them. */
export interface Building<Kept> {
  readonly input: BuildInput;
  /** What they are built from. */
  readonly parents: Artefacts;
  /** Where checkpoints lie meanwhile. */
  readonly scratch: ArtefactStore;
  /** Stores what was built. Only when all of it is stored is the checkpoint let go. */
  readonly keep: (built: BuiltArtefact, need: ArtefactNeed) => Promise<Kept>;
}

/**
 * Builds artefacts of one kind. Broken off, it goes on from its last checkpoint when it is asked for the same again.
 * @returns what is kept for each need, in order
 * @throws ErrataError as {@link buildParameters}; what the kind throws; the signal's reason
 */
export async function buildArtefacts<Kept>(
  kind: string,
  needs: readonly ArtefactNeed[],
  { input, parents, scratch, keep }: Building<Kept>,
  options: BuildOptions = {},
): Promise<readonly Kept[]> {
  const parameters = await buildParameters(kind, needs, input);
  const scopes = needs.map(({ scope }) => scope);
  const key = `builds/${sha256(canonicalJson({ kind, model: input.digest, scopes, parameters }))}`;
  const checkpoint = { read: () => scratch.get(key), write: (bytes: Uint8Array) => scratch.put(key, bytes) };
  const kept: Kept[] = [];
  for await (const one of (await builderOf(kind)).build(needs, input, { ...options, parents, checkpoint })) {
    const at = kept.length;
    if (at === needs.length) throw new ErrataError('internal', `more ${kind} built than the ${at} wanted`);
    kept.push(await keep({ parameters: parameters[at]!, ...one }, needs[at]!));
  }
  if (kept.length < needs.length)
    throw new ErrataError('internal', `${needs.length} ${kind} wanted, ${kept.length} built`);
  await scratch.delete(key);
  return kept;
}
