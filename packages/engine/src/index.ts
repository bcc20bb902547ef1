// The face of @errata/engine: the client of the process that holds models. Importing it loads no numerical runtime.

export { fileArtefactStore } from './artefacts/file-artefacts.ts';
export type {
  BuiltArtefact,
  BuiltDelta,
  ChatMessage,
  Completion,
  CompletionPart,
  CompletionPiece,
  EditLayout,
  EngineMethod,
  EngineMethods,
  EngineProgress,
  GateRequest,
  LayoutComplaint,
  ModelFile,
  ModelInspection,
  ModelReference,
  ParamsOf,
  PlacedToken,
  ResultOf,
  Sampling,
  SpelledToken,
} from './calls/index.ts';
export { type CallOptions, type ClientOptions, type EngineClient, startEngine } from './client.ts';
export { asErrataError } from './errors.ts';
export { requireMemory } from './models/memory.ts';
export { defaultsFileName, readDefaults } from './models/model-defaults.ts';
export { type ServingEngines, startServing, type WarmVersion } from './serving.ts';
export { defaultSilenceMs, type EngineSettings } from './settings.ts';
