// Every method of an engine process, from the files of what they are about.
import type { ArtefactMethods } from './artefacts.ts';
import type { EditMethods } from './edits.ts';
import type { EvaluationMethods } from './evaluations.ts';
import type { ModelMethods } from './models.ts';
import type { TextMethods } from './texts.ts';
import type { VersionMethods } from './versions.ts';

export interface EngineMethods
  extends ArtefactMethods,
    EditMethods,
    EvaluationMethods,
    ModelMethods,
    TextMethods,
    VersionMethods {}

export type EngineMethod = keyof EngineMethods;
export type ParamsOf<M extends EngineMethod> = EngineMethods[M]['params'];
export type ResultOf<M extends EngineMethod> = EngineMethods[M]['result'];
/** What a call gives before it has ended. */
export type PartOf<M extends EngineMethod> = EngineMethods[M]['part'];
