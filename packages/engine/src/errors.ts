// Errors of the science wing in the words of the catalogue: the one place where the two meet.
import { ErrataError, type ErrorCode, type PlainError, toPlainError } from '@errata/contracts';
import type { GraphError } from '@errata/graph';
import type { ModelError, ModelErrorCode } from '@errata/models';

// Recognised by name, so that a client of the engine does not load the numerical runtime to describe an error.
const isNamed = <E extends Error>(error: unknown, name: E['name']): error is E =>
  error instanceof Error && error.name === name;

const notAModelDirectory: readonly ModelErrorCode[] = [
  'checkpoint_not_a_directory',
  'checkpoint_config_missing',
  'checkpoint_weights_missing',
  'checkpoint_weights_pickled',
  'checkpoint_lfs_pointer',
  'checkpoint_web_page',
  'checkpoint_archive',
  'checkpoint_gguf',
];

const unsupported: readonly ModelErrorCode[] = [
  'adapter_unsupported',
  'gguf_unsupported',
  'architecture_unsupported',
  'tokenizer_unsupported',
  'checkpoint_quantised',
];

function codeOfModelError(code: ModelErrorCode): ErrorCode {
  if (notAModelDirectory.includes(code)) return 'not_a_model_directory';
  if (code === 'checkpoint_target_not_empty') return 'output_exists';
  if (code === 'export_memories') return 'not_a_checkpoint';
  if (code === 'export_unsupported') return 'export_unsupported';
  if (code === 'checkpoint_target_unwritable') return 'storage_failed';
  if (code === 'tokenizer_missing') return 'tokenizer_missing';
  if (code === 'tokenizer_id_unknown') return 'invalid_token_id';
  if (code === 'layout_target_empty') return 'empty_target';
  if (code === 'layout_subject_not_in_prompt' || code === 'layout_subject_inside_word') return 'subject_not_in_prompt';
  if (code === 'layout_subject_unspellable' || code === 'layout_target_unspellable') return 'unspellable_text';
  if (unsupported.includes(code)) return 'unsupported_model';
  if (code === 'hub_name_malformed') return 'invalid_request';
  if (code === 'hub_disk_full') return 'storage_full';
  if (code === 'hub_cache_unusable') return 'storage_failed';
  if (code === 'hub_unreachable' || code === 'hub_checksum') return 'hub_unreachable';
  if (code.startsWith('hub_')) return 'hub_refused';
  if (code === 'sequence_too_long') return 'prompt_too_long';
  if (code === 'sequence_id_unknown') return 'invalid_token_id';
  if (code === 'chat_template_refused') return 'invalid_request';
  if (code.startsWith('layout_') || code.startsWith('sequence_')) return 'invalid_request';
  if (code === 'content_missing') return 'blob_missing';
  if (code.startsWith('delta_') || code === 'content_malformed') return 'blob_corrupt';
  return 'invalid_checkpoint';
}

/** Anything thrown while models are read, edited or run, as an {@link ErrataError}; defects become `internal`. */
export function asErrataError(thrown: unknown): ErrataError {
  if (thrown instanceof ErrataError) return thrown;
  if (isNamed<ModelError>(thrown, 'ModelError')) {
    return new ErrataError(codeOfModelError(thrown.code), thrown.message, {
      details: { rule: thrown.code, where: thrown.where, what: thrown.what, hint: thrown.hint },
      cause: thrown,
    });
  }
  if (isNamed<GraphError>(thrown, 'GraphError')) {
    const code = thrown.code === 'provider_unavailable' ? 'provider_unavailable' : 'internal';
    return new ErrataError(code, thrown.message, { details: { rule: thrown.code }, cause: thrown });
  }
  const plain = toPlainError(thrown);
  return new ErrataError(plain.code, plain.message, { cause: thrown });
}

/** {@link asErrataError} as plain data. */
export const describeError = (thrown: unknown): PlainError => toPlainError(asErrataError(thrown));
