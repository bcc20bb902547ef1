// The face of @errata/engine: the client of the process that holds models. Importing it loads no numerical runtime.
export { type CallOptions, type ClientOptions, type EngineClient, startEngine } from './client.ts';
export { asErrataError, describeError } from './errors.ts';
export type {
  ArtefactReference,
  BuiltArtefact,
  BuiltDelta,
  ChatMessage,
  Completion,
  EditFailure,
  EngineMethod,
  EngineMethods,
  EngineProgress,
  ModelFile,
  ModelInspection,
  ModelReference,
  ParamsOf,
  ResultOf,
  Sampling,
} from './protocol.ts';
export { defaultMemoryMb, type EngineSettings } from './settings.ts';
