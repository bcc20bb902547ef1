// What a kind of artefact says of itself, as data: what may be asked of it, and what it is made of. Nothing here builds one.
import type { ArtefactNeed } from '@errata/contracts';
import type { z } from 'zod';

/** Values of a request for artefacts, beside their model and kind. */
export type ArtefactRequestFields = Readonly<Record<string, unknown>>;

/** A kind of artefact, described. `load` brings what builds and reads it. */
export interface ArtefactDescription<Request extends z.ZodObject = z.ZodObject> {
  /** What they are, in the plural, within a sentence. */
  readonly title: string;
  /** How they are built today. What was built otherwise is kept for what was made with it, but nothing new takes it. */
  readonly format: string;
  /**
   * What a request says beside the model and the kind, each field with what it means; those that need not be said are optional. `corpus` is a text file of
   * the machine that builds; `seed` is that of the editors whose needs are meant.
   */
  readonly request: Request;
  /** The field of a request that chooses; without it, what editors need by default is meant. */
  readonly chosenBy: keyof z.output<Request> & string;
  /** Those that a request chooses. */
  chosen(request: z.output<Request>): readonly ArtefactNeed[];
  /** The artefacts that one is built from, and that must be there first. */
  parents(need: ArtefactNeed): readonly ArtefactNeed[];
  /** How a person has these built, where a job cannot for want of a text; null where it needs none. */
  withoutText(
    needs: readonly ArtefactNeed[],
    model: { readonly name: string; readonly outdated: boolean },
  ): Advice | null;
  /** Where a folder of artefacts keeps one, built with these parameters. */
  file(model: string, scope: string, parameters: ArtefactRequestFields): string;
  /** Its module; `builder` in it is an `ArtefactBuilder`. In a browser it is none. */
  load(): Promise<{ readonly builder: unknown }>;
}

/** What to do about artefacts that are missing. */
export interface Advice {
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}
