// The errors of this package: one class, one closed catalogue of codes.

/**
 * Every error code that reading models, tokenizers and text layouts can give, with what it means. Codes are part of
 * the public contract: a retired code is never given another meaning.
 */
export const modelErrorCatalogue = {
  // Safetensors files: one code a rule of the format.
  safetensors_too_short: 'the file is shorter than the 8 bytes that state the header size',
  safetensors_header_too_large: 'the header is stated to be over 100 MB',
  safetensors_header_beyond_file: 'the stated header size runs beyond the end of the file',
  safetensors_header_not_utf8: 'the header is not valid UTF-8',
  safetensors_header_not_json: 'the header is not valid JSON',
  safetensors_header_not_object: 'the header is not a JSON object starting at its first byte',
  safetensors_duplicate_key: 'a key appears twice in one object of the header',
  safetensors_metadata_invalid: '__metadata__ is not a map of strings to strings',
  safetensors_entry_invalid: 'a tensor entry is not exactly {dtype, shape, data_offsets}',
  safetensors_dtype_unknown: 'a tensor has a dtype that this reader does not know',
  safetensors_shape_invalid: 'a shape is not a list of non-negative integers below 2^53',
  safetensors_size_overflow: 'the size in bytes of a tensor is 2^53 or more',
  safetensors_offsets_invalid: 'data_offsets is not a pair of ordered non-negative integers below 2^53',
  safetensors_size_mismatch: 'shape x dtype is not the length of the byte span',
  safetensors_offsets_beyond_file: 'a span runs beyond the end of the file',
  safetensors_overlap: 'the spans of two tensors overlap',
  safetensors_hole: 'bytes between two spans belong to no tensor',
  safetensors_trailing_bytes: 'bytes after the last span belong to no tensor',
  safetensors_tensor_missing: 'the file has no tensor of that name',
  safetensors_not_float: 'the tensor is not of a floating-point dtype that can be read as float32',
  safetensors_non_finite: 'a weight is NaN or infinite',
  safetensors_unreadable: 'the file cannot be opened or read',
  safetensors_closed: 'the file was closed before it was read',
  safetensors_write_invalid: 'a tensor to be written has data that does not fit its shape',
  safetensors_float16_overflow: 'a weight is too large for float16 or bfloat16',
  // Checkpoint directories.
  checkpoint_not_a_directory: 'the path is not a directory',
  checkpoint_config_missing: 'the directory has no config.json',
  checkpoint_config_malformed: 'config.json or generation_config.json is not a configuration',
  checkpoint_weights_missing: 'the directory has no safetensors weights',
  checkpoint_weights_pickled: 'the directory has only pickled weights, which can run code when loaded',
  checkpoint_lfs_pointer: 'a file is a Git LFS pointer, which only names the file that belongs there',
  checkpoint_web_page: 'a file is a web page, as a download gives that needed a login or another address',
  checkpoint_archive: 'the model or a file of it is an archive, or packed',
  checkpoint_gguf: 'the weights are in GGUF',
  checkpoint_foreign_file: 'a file is of another kind than its name says',
  checkpoint_quantised: 'the weights are quantised',
  checkpoint_wrapped: 'some names of tensors have a prefix that training put there, others have not',
  checkpoint_head_missing: 'config.json says that the head is no copy of the embedding, and the head is not there',
  checkpoint_index_malformed: 'model.safetensors.index.json is not a shard index',
  checkpoint_shard_missing:
    'a shard is absent, lacks a tensor that the index promises, or has one that another has too',
  checkpoint_link_escapes: 'a file is a link that leads out of the directory',
  checkpoint_not_a_file: 'what has the name of a file of the directory is a pipe, a socket, a device or a directory',
  checkpoint_target_not_empty: 'the directory to be written exists and is not empty',
  checkpoint_target_unwritable: 'the directory to be written cannot be created',
  // Models of the hub.
  hub_name_malformed: 'what is written is not the name of a model on the hub',
  hub_disabled: 'whoever runs this service lets no models be had from the hub',
  hub_offline: 'only what has been downloaded may be used, and the model has not been',
  hub_not_found: 'the hub has no such model, or does not show it',
  hub_gated: 'the model is shown only to those who have accepted its licence',
  hub_revision_unknown: 'the model has no such branch, tag or commit',
  hub_unreachable: 'the hub does not answer, answers with an error, or broke a download off',
  hub_no_weights: 'the repository has no weights that are read, or several of which one is to be named',
  hub_checksum: 'a downloaded file has another digest than the hub states',
  hub_disk_full: 'there is no space for what is to be downloaded',
  hub_cache_unusable: 'the directory of downloaded models cannot be written to',
  // GGUF files.
  gguf_unreadable: 'the file cannot be opened or read',
  gguf_truncated: 'the file ends before what it says it holds',
  gguf_malformed: 'the file breaks a rule of the format, or lacks what the model needs',
  gguf_unsupported: 'the file holds an architecture, a quantisation or a tokenizer that is not read',
  // Adapters.
  adapter_config_malformed: 'adapter_config.json is not the configuration of an adapter',
  adapter_unsupported: 'the adapter is of a kind, or uses an option, that is not merged',
  adapter_weights_missing: 'the directory of the adapter has no adapter_model.safetensors',
  adapter_base_unknown: 'the adapter does not say which model it is for, or that model is not at hand',
  adapter_misfit: 'a tensor of the adapter does not fit the model that it is to be merged onto',
  change_misfit: 'what was given is no change of this model',
  // What is written for other tools.
  export_memories: 'the version has memories beside its weights, which the form cannot hold',
  export_unsupported: 'the form cannot hold what the version is',
  // Tokenizers.
  tokenizer_missing: 'the directory has no tokenizer.json, no vocab.json with merges.txt and no vocab.txt',
  tokenizer_malformed: 'a tokenizer file is not what it should be',
  tokenizer_unsupported: 'the tokenizer uses a part that is not supported',
  tokenizer_id_unknown: 'an id lies outside the vocabulary',
  tokenizer_offsets_unavailable: 'the tokens cannot be matched to the text they came from',
  // Chat templates.
  chat_template_malformed: 'the chat template of the model is not a template',
  chat_template_refused: 'the chat template does not take a conversation',
  // Architectures.
  architecture_unsupported: 'config.json names a model_type that has no graph here',
  architecture_config_invalid: 'a field of config.json is missing, malformed or asks for something not implemented',
  architecture_tensor_missing: 'the checkpoint lacks a tensor that its architecture has',
  architecture_tensor_shape: 'a tensor of the checkpoint has another shape than its architecture says',
  // Sequences given to a model.
  sequence_empty: 'a sequence of tokens is empty where one is needed',
  sequence_too_long: 'a sequence has more tokens than the model can hold',
  sequence_id_unknown: 'a token id lies outside the vocabulary of the model',
  sequence_unscored: 'the tokens of a prompt are asked about that an encoder reads: they have no probabilities',
  // Deltas.
  delta_malformed: 'the bytes are not a delta, or its parts do not fit together',
  delta_misfit: 'a delta is for a tensor or site that the model does not have in that size',
  // Contents that memories are read with.
  content_missing: 'an artefact that a memory is read with is not there',
  content_malformed: 'the bytes are not the artefact that a memory is read with',
  // Prompt and target layout.
  layout_prompt_empty: 'the prompt has no text',
  layout_target_empty: 'the target has no text',
  layout_subject_empty: 'the subject has no text',
  layout_subject_not_in_prompt: 'the subject does not appear literally in the prompt',
  layout_subject_inside_word: 'the subject appears in the prompt only as a part of another word',
  layout_subject_unspellable: 'no token of the subject stands for any of its characters',
  layout_target_unspellable: 'the target has characters that the tokenizer has no tokens for',
} as const;

/** One of the codes of {@link modelErrorCatalogue}. */
export type ModelErrorCode = keyof typeof modelErrorCatalogue;

/** The fields of a {@link ModelError}. */
export interface ModelErrorFields {
  /** What was wrong, in one sentence without a final stop. */
  readonly what: string;
  /** Where: a file, a tensor name, a text. */
  readonly where: string;
  /** What to do about it. */
  readonly hint: string;
  readonly cause?: unknown;
}

/** Characters of what was wrong: it may quote a file, which may hold anything. */
const longest = 1000;

/** A model, tokenizer or text that was given to this package is not usable. Never thrown for a bug of ours. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly code: ModelErrorCode;
  readonly what: string;
  readonly where: string;
  readonly hint: string;

  constructor(code: ModelErrorCode, fields: ModelErrorFields) {
    const what = fields.what.length <= longest ? fields.what : `${fields.what.slice(0, longest)} ...`;
    super(`${fields.where}: ${what}. ${fields.hint}`, fields.cause === undefined ? {} : { cause: fields.cause });
    this.code = code;
    this.what = what;
    this.where = fields.where;
    this.hint = fields.hint;
  }
}
