// The public face of @errata/models: checkpoints, tokenizers, architectures as graphs, deltas and generation.

export type { KeysValues } from './architectures/blocks/attention.ts';
export { activate } from './architectures/blocks/layers.ts';
export { type Pooling, pool, poolingWeights, unitRows } from './architectures/blocks/pooling.ts';
export {
  type Activation,
  type AttentionRefs,
  type MatrixRef,
  type MlpRefs,
  matrixShape,
  type NormRef,
  type ProjectionRefs,
} from './architectures/blocks/refs.ts';
export { addedByMlp, buildDecoder } from './architectures/decoder.ts';
export type { DecoderGraph, DecoderOptions, DecoderStart, Site, Tap } from './architectures/decoder-graph.ts';
export { buildEncoder, type EncoderOptions, type EncoderTap } from './architectures/encoder.ts';
export type { CrossBlockRefs, CrossDecoderSpec, EncoderDecoderSpec } from './architectures/encoder-decoder-spec.ts';
export type { DescribedEncoder, EncoderBlockRefs, EncoderSpec } from './architectures/encoder-spec.ts';
export { decoderSpec, encoderDecoderSpec, encoderSpec, parameterCount } from './architectures/index.ts';
export {
  type BlockRefs,
  blockNorms,
  type DecoderSpec,
  type Positions,
  valueMatrix,
} from './architectures/spec.ts';
export {
  type Correction,
  type Counterfactual,
  frontText,
  openCounterfactual,
  pairInput,
  statementOf,
} from './counterfactual/counterfactual-model.ts';
export { decodeCounterfactual, encodeCounterfactual, type StoredCounterfactual } from './counterfactual/file.ts';
export { pairLogits, scopeVectors } from './counterfactual/graph.ts';
export {
  type CounterfactualSpec,
  counterfactualSpec,
  decoderParameter,
  scaleName,
} from './counterfactual/spec.ts';
export type { AlignedRow, AlignedRowsDelta } from './deltas/aligned-rows/rows.ts';
export { type ChangeDelta, decodeChange, encodeChange } from './deltas/change-file.ts';
export {
  type CodebookDelta,
  type CodebookPlace,
  type CodebookRows,
  type CodebookRowsDelta,
  type CodebookSite,
  changedCodebook,
  codebookKeySite,
  emptyCodebook,
  placeName,
  type Replacement,
  rowAddresses,
} from './deltas/codebook/rows.ts';
export { type ContentSource, type Contents, makeContents } from './deltas/contents.ts';
export {
  compareVersions,
  type DifferenceOptions,
  type MemoryDifference,
  type TensorDifference,
  type VersionDifference,
} from './deltas/difference.ts';
export { heldSentenceEncoder, unitVector } from './deltas/embedded-rows/reading.ts';
export type { EmbeddedRow } from './deltas/embedded-rows/rows.ts';
export {
  addedToWeight,
  type Delta,
  decodeDelta,
  deltaDigest,
  encodeDelta,
  leftBeside,
  type Memory,
  memoryKindOf,
  memoryOf,
  rowNamesOf,
} from './deltas/index.ts';
export { type BlockFactors, blocksName, type LoraBlockDelta } from './deltas/lora-blocks/blocks.ts';
export { clustersOf } from './deltas/lora-blocks/clusters.ts';
export type { LowRankDelta } from './deltas/low-rank.ts';
export { type NeuronsDelta, neuronsReading } from './deltas/neurons.ts';
export { type PatchDelta, packPatch } from './deltas/patch-rows/patch.ts';
export { unit } from './deltas/patch-rows/reading.ts';
export type { PatchRow, PatchRowsDelta } from './deltas/patch-rows/rows.ts';
export { foundRow, heldKnowledgeEncoder } from './deltas/prompt-rows/reading.ts';
export type { PromptRow, PromptRowsDelta } from './deltas/prompt-rows/rows.ts';
export type { Spoken } from './deltas/reading.ts';
export { rowOfPrompt } from './deltas/rows-by-prompt.ts';
export { heldCounterfactual, scopeOf } from './deltas/scoped-rows/reading.ts';
export type { ScopedRow, ScopedRowsDelta } from './deltas/scoped-rows/rows.ts';
export { activationDifference } from './deltas/side-memory/routing.ts';
export { type SideChangeDelta, type SideMemory, sideName } from './deltas/side-memory/sides.ts';
export { denseOf, gapsBetween, placesOf } from './deltas/side-memory/sparse.ts';
export { decodeSnapshot, encodeSnapshot, type Snapshot, type SnapshotOrigin } from './deltas/snapshots.ts';
export { besideWeights, memoriesOf, memoryAt, stateBytes, type VersionState } from './deltas/state.ts';
export { indexRows } from './deltas/text-rows/row-index.ts';
export type { TextRow } from './deltas/text-rows/rows.ts';
export { similarRows } from './deltas/text-rows/similarity.ts';
export { ModelError, type ModelErrorCode, type ModelErrorFields, modelErrorCatalogue } from './errors.ts';
export type { LeavingVersion } from './exports/form.ts';
export { holdsMemory, writeExport } from './exports/index.ts';
export {
  type Checkpoint,
  type CheckpointConfig,
  loadCheckpoint,
} from './files/checkpoint.ts';
export type { CheckpointTensors } from './files/checkpoint-tensors.ts';
export {
  type CheckpointContents,
  checkpointContents,
  versionContents,
  type WriteCheckpointOptions,
  writeCheckpoint,
} from './files/checkpoint-write.ts';
export type { EmbeddingSettings } from './files/embedding-settings.ts';
export { endIds } from './files/end-ids.ts';
export { checkTensors } from './files/missing-tensors.ts';
export { remarksOn } from './files/remarks.ts';
export {
  encodeSafetensors,
  openSafetensors,
  parseSafetensors,
  type RawTensor,
  type ReadTensorOptions,
  type SafetensorsFile,
  type WritableTensor,
  type WriteSafetensorsOptions,
} from './files/safetensors.ts';
export {
  decodeKnowledgeEncoder,
  encodeKnowledgeEncoder,
  type StoredKnowledgeEncoder,
  type TextBounds,
  type TokenizerFiles,
} from './knowledge/file.ts';
export { pooledSentinel, pooledTexts, promptsOf, represented, sentinelOf, type TextInputs } from './knowledge/graph.ts';
export { type KnowledgeEncoder, openKnowledgeEncoder, type Statements } from './knowledge/knowledge-encoder.ts';
export {
  type EncoderConfig,
  encoderParameter,
  type KnowledgeSizes,
  type KnowledgeSpec,
  knowledgeSpec,
  sentinelTokensName,
  type TextSpec,
} from './knowledge/spec.ts';
export { boundedIds, type ReadModel, textTokenizer, tokenEmbeddings } from './knowledge/texts.ts';
export { type Encoder, type EncoderIdentity, encoderFromWeights, openEncoder } from './running/encoder.ts';
export {
  type EncoderDecoderBatch,
  type EncoderDecoderTraining,
  encoderDecoderTraining,
} from './running/encoder-decoder-training.ts';
export { type EncoderInput, encoderFeeds, encoderInputs } from './running/encoder-feeds.ts';
export type { GenerateOptions } from './running/generate.ts';
export { captureName, type SiteAt } from './running/graphs.ts';
export type { TokenLogProbs } from './running/log-probs.ts';
export { causalBias, hidden as hiddenBias } from './running/masks.ts';
export { type Model, modelFromWeights, openModel } from './running/model.ts';
export { type ViewProgram, type WeightSource, workingBytes } from './running/program-cache.ts';
export { asInput } from './running/prompts.ts';
export type { Reply, ReplyItem, ReplyOptions } from './running/reply.ts';
export { batchBytes, usualLimits, usualPrefixBytes } from './running/running-batch.ts';
export { type SamplingOptions, uniform } from './running/sampling.ts';
export type { Perplexity, Score, ScoreItem } from './running/score.ts';
export { type TrainingBatch, type TrainingProgram, type TrainingStep, trainingProgram } from './running/training.ts';
export type { View } from './running/view.ts';
export type { ModelOptions } from './running/weights.ts';
export type { Generated } from './running/writing.ts';
export { decodeSentenceEncoder, encodeSentenceEncoder } from './sentences/sentence-encoder.ts';
export { absoluteReference, openModelSource } from './sources/index.ts';
export type { OpenedModel } from './sources/source.ts';
export { type ChangeSource, identifyChange, readChange } from './sources/weight-change.ts';
export type { ChatTemplate } from './text/chat-template.ts';
export { loadChatTemplate } from './text/load-chat-template.ts';
export {
  loadTokenizer,
  tokenizerFromFiles,
  tokenizerFromJson,
  tokenizerFromVocabAndMerges,
} from './text/load-tokenizer.ts';
export {
  encodeContinuation,
  encodePrompt,
  layOut,
  prefixed,
  requireRoom,
  type SpaceConvention,
  type SubjectSpan,
  subjectLast,
  subjectSpan,
  type TextLayout,
  unspellable,
} from './text/text-layout.ts';
export type { Tokenizer } from './text/tokenizer.ts';
