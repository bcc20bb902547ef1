// The public face of @errata/models: checkpoints, tokenizers, architectures as graphs, deltas and generation.

export type { KeysValues } from './architectures/attention.ts';
export {
  buildDecoder,
  type DecoderGraph,
  type DecoderOptions,
  type DecoderStart,
  type Site,
  sites,
  type Tap,
} from './architectures/decoder.ts';
export { checkParameters, decoderSpec, supportedModelTypes } from './architectures/families.ts';
export {
  type Activation,
  type BlockRefs,
  type DecoderSpec,
  findMatrix,
  type MatrixRef,
  type MlpRefs,
  matrixShape,
  type NormRef,
  type Positions,
  type ProjectionRefs,
  valueMatrix,
} from './architectures/spec.ts';
export {
  type Checkpoint,
  type CheckpointConfig,
  type CheckpointTensors,
  loadCheckpoint,
} from './checkpoint.ts';
export {
  type CheckpointContents,
  editedContents,
  versionContents,
  type WriteCheckpointOptions,
  writeCheckpoint,
} from './checkpoint-write.ts';
export {
  type CodebookDelta,
  type CodebookPlace,
  type CodebookRows,
  type CodebookRowsDelta,
  type CodebookSite,
  changedCodebook,
  codebookKeySite,
  emptyCodebook,
  type Replacement,
  rowAddresses,
} from './codebooks.ts';
export {
  checkDelta,
  type Delta,
  type DenseDelta,
  decodeDelta,
  deltaDigest,
  encodeDelta,
  type LowRankDelta,
} from './deltas.ts';
export {
  type CodebookDifference,
  compareVersions,
  type DifferenceOptions,
  type TensorDifference,
  type VersionDifference,
} from './difference.ts';
export { ModelError, type ModelErrorCode, type ModelErrorFields, modelErrorCatalogue } from './errors.ts';
export { captureName, type SiteAt } from './forward.ts';
export type { Generated, GenerateOptions } from './generate.ts';
export { bfloat16ToFloat32, firstNonFinite, float16ToFloat32, float32ToFloat16 } from './half.ts';
export { causalBias, hidden as hiddenBias } from './masks.ts';
export type { WeightSource } from './program-cache.ts';
export type { Reply, ReplyItem, ReplyOptions } from './reply.ts';
export {
  encodeSafetensors,
  openSafetensors,
  parseSafetensors,
  type RawTensor,
  type ReadTensorOptions,
  type SafetensorsFile,
  type WritableTensor,
  type WriteSafetensorsOptions,
  writeSafetensors,
} from './safetensors.ts';
export type { SafetensorsDtype, SafetensorsHeader, TensorInfo } from './safetensors-header.ts';
export { uniform } from './sampling.ts';
export type { Perplexity, Score, ScoreItem } from './score.ts';
export { decodeSnapshot, encodeSnapshot, type Snapshot, type SnapshotOrigin } from './snapshots.ts';
export {
  encodeContinuation,
  encodePrompt,
  layOut,
  longestTokenBytes,
  prefixed,
  requireRoom,
  type SpaceConvention,
  type SubjectSpan,
  spaceConvention,
  subjectLast,
  subjectSpan,
  type TextLayout,
  unspellable,
} from './text-layout.ts';
export { type TokenOffsets, type TokenSpan, tokenOffsets } from './token-offsets.ts';
export {
  loadTokenizer,
  type Tokenizer,
  tokenizerFileNames,
  tokenizerFromJson,
  tokenizerFromVocabAndMerges,
} from './tokenizer.ts';
export { type TrainingBatch, type TrainingProgram, type TrainingStep, trainingProgram } from './training.ts';
export {
  type Model,
  type ModelOptions,
  modelFromWeights,
  openModel,
  type VersionState,
  type View,
  type ViewProgram,
  type Wanted,
} from './view.ts';
