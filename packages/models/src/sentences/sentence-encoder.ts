// A sentence encoder as one file: its tensors, and all that is needed to make vectors of texts with it.

import { z } from 'zod';
import { encoderSpec } from '../architectures/index.ts';
import { ModelError } from '../errors.ts';
import type { Checkpoint } from '../files/checkpoint.ts';
import { type EmbeddingSettings, readEmbeddingSettings } from '../files/embedding-settings.ts';
import { encodeSafetensors, parseSafetensors } from '../files/safetensors.ts';
import { type Encoder, encoderFromWeights } from '../running/encoder.ts';
import { readWeights } from '../running/weights.ts';
import { tokenizerFromFiles } from '../text/load-tokenizer.ts';

const format = 'errata-sentence-encoder/1';

const headerSchema = z.strictObject({
  /** Digest of the checkpoint it was. */
  digest: z.string().min(1),
  config: z.looseObject({ model_type: z.string() }),
  settings: z.strictObject({
    pooling: z.enum(['mean', 'cls']).optional(),
    normalise: z.boolean().optional(),
    longest: z.int().min(1).optional(),
  }),
  /** Texts of the files of its tokenizer, by name. */
  tokenizer: z.record(z.string(), z.string()),
});

/** Files of a tokenizer, config.json apart. */
const ofTokenizer = /^(tokenizer|vocab|merges|special_tokens_map|added_tokens)/;

/**
 * A checkpoint of an encoder as one file of safetensors, float32. Equal checkpoints give equal bytes.
 * @throws ModelError architecture_*, safetensors_*, tokenizer_missing
 */
export function encodeSentenceEncoder(checkpoint: Checkpoint): Uint8Array {
  const { tensors, config, digest, directory, companionFiles, readCompanion, tokenizer } = checkpoint;
  if (tokenizer === undefined)
    throw new ModelError('tokenizer_missing', {
      where: directory,
      what: 'it has no tokenizer, so it reads no texts',
      hint: 'Copy the tokenizer.json or vocab.txt of the encoder beside its weights',
    });
  const spec = encoderSpec(config, tensors.names);
  const weights = readWeights(spec, tensors);
  const names = companionFiles.filter((name) => ofTokenizer.test(name)).sort();
  const texts = names.map((name) => [name, Buffer.from(readCompanion(name)).toString('utf8')] as const);
  const header: z.input<typeof headerSchema> = {
    digest,
    config,
    settings: readEmbeddingSettings(directory),
    tokenizer: Object.fromEntries(texts),
  };
  return encodeSafetensors(
    new Map([...spec.parameters].map(([name, shape]) => [name, { shape, data: weights.get(name)! }])),
    { metadata: { format, header: JSON.stringify(header) }, where: 'sentence encoder' },
  );
}

/** Opens {@link encodeSentenceEncoder}'s bytes; nothing about them is trusted. @throws ModelError content_malformed, safetensors_*, architecture_* */
export function decodeSentenceEncoder(bytes: Uint8Array, where = 'sentence encoder'): Encoder {
  const file = parseSafetensors(bytes, where);
  const malformed = (what: string, cause?: unknown): never => {
    throw new ModelError('content_malformed', { where, what, hint: 'Build it again from its checkpoint', cause });
  };
  if (file.metadata.get('format') !== format) return malformed(`its format is not ${format}`);
  let header: z.output<typeof headerSchema>;
  try {
    header = headerSchema.parse(JSON.parse(file.metadata.get('header') ?? ''));
  } catch (cause) {
    return malformed('its header cannot be read', cause);
  }
  const { digest, config, settings, tokenizer: files } = header;
  const spec = encoderSpec(config, file.tensors.keys());
  const weights = new Map<string, Float32Array>();
  for (const [name, dims] of spec.parameters) {
    const shape = file.tensors.get(name)?.shape;
    if (shape?.length !== dims.length || shape.some((n, axis) => n !== dims[axis]))
      malformed(`${name} is missing or not of shape [${dims.join(', ')}]`);
    weights.set(name, file.read(name));
  }
  const texts: Readonly<Record<string, string | undefined>> = { ...files, 'config.json': JSON.stringify(config) };
  const tokenizer = tokenizerFromFiles((name) => texts[name], where);
  const known = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  return encoderFromWeights(spec, weights, { digest, tokenizer, settings: known as Partial<EmbeddingSettings> });
}
