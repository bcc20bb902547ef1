// A knowledge encoder as a file: its tensors, and all that is needed to read texts with it.

import { z } from 'zod';
import { ModelError } from '../errors.ts';
import { encodeSafetensors, parseSafetensors } from '../files/safetensors.ts';
import { type EncoderConfig, type KnowledgeSizes, type KnowledgeSpec, knowledgeSpec, type TextSpec } from './spec.ts';

const format = 'errata-knowledge-encoder/1';

/** What stands around the tokens of a text, and how many may be between. */
export interface TextBounds {
  readonly start: readonly number[];
  readonly end: readonly number[];
  /** Tokens of a text at most, those around it included. Of a longer one the last are kept: that is where a question stands. */
  readonly longest: number;
}

/** Texts of tokenizer.json, tokenizer_config.json and the like. */
export type TokenizerFiles = Readonly<Record<string, string>>;

/** What reads texts, as it is stored. */
export interface StoredTexts<Spec extends TextSpec = TextSpec> {
  /** Digest of the language model that it is for. */
  readonly model: string;
  readonly spec: Spec;
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** Files of the text encoder's tokenizer, by name; null where it reads texts by the language model's own. */
  readonly tokenizer: TokenizerFiles | null;
  readonly bounds: TextBounds;
  /** What is told of how it was trained, as plain JSON. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** A knowledge encoder, as it is stored. */
export type StoredKnowledgeEncoder = StoredTexts<KnowledgeSpec>;

const ids = z.array(z.int().min(0));

/** What the header of such a file says, whatever it holds. */
export const textsHeader = {
  model: z.string().min(1),
  config: z.looseObject({ model_type: z.string() }),
  bounds: z.strictObject({ start: ids, end: ids, longest: z.int().min(1) }),
  tokenizer: z.record(z.string(), z.string()).nullable(),
  details: z.record(z.string(), z.unknown()),
};

const headerSchema = z.strictObject({
  ...textsHeader,
  sizes: z.strictObject({
    representation: z.int().min(1),
    promptTokens: z.int().min(1),
    promptWidth: z.int().min(1),
    sentinelTokens: z.int().min(1),
    ownTokens: z.boolean(),
  }),
});

/** As safetensors bytes, every number rounded to float16. @throws ModelError safetensors_* for what does not fit */
export function encodeKnowledgeEncoder(stored: StoredKnowledgeEncoder): Uint8Array {
  const { representation, promptTokens, promptWidth, sentinelTokens, ownTokens } = stored.spec;
  const sizes: KnowledgeSizes = { representation, promptTokens, promptWidth, sentinelTokens, ownTokens };
  return encodeTexts({ format, where: 'knowledge encoder' }, stored, { sizes });
}

/** Reads {@link encodeKnowledgeEncoder}'s bytes; nothing about them is trusted. @throws ModelError content_malformed, safetensors_*, architecture_* */
export const decodeKnowledgeEncoder = (bytes: Uint8Array, where = 'knowledge encoder'): StoredKnowledgeEncoder =>
  decodeTexts({ format, where }, bytes, headerSchema, ({ config, sizes }, names) =>
    knowledgeSpec(config as EncoderConfig, sizes, names),
  );

/** What a file is called, in itself and in errors. */
interface FileName {
  readonly format: string;
  readonly where: string;
}

/** Something that reads texts, as safetensors bytes. @param further what else its header says */
export function encodeTexts(
  { format, where }: FileName,
  { spec, weights, model, bounds, tokenizer, details }: StoredTexts,
  further: Readonly<Record<string, unknown>>,
): Uint8Array {
  const header = JSON.stringify({ model, config: spec.config, ...further, bounds, tokenizer, details });
  const tensors = [...spec.parameters].map(([name, shape]) => [name, { shape, data: weights.get(name)! }] as const);
  return encodeSafetensors(new Map(tensors), { dtype: 'F16', metadata: { format, header }, where });
}

/** Reads that. @param specOf of its header and the names of its text encoder's tensors */
export function decodeTexts<Header extends z.output<z.ZodObject<typeof textsHeader>>, Spec extends TextSpec>(
  { format, where }: FileName,
  bytes: Uint8Array,
  schema: z.ZodType<Header>,
  specOf: (header: Header, names: Iterable<string>) => Spec,
): StoredTexts<Spec> {
  const file = parseSafetensors(bytes, where);
  const malformed = (what: string, cause?: unknown): never => {
    throw new ModelError('content_malformed', { where, what, hint: 'Train or fetch it again', cause });
  };
  if (file.metadata.get('format') !== format) return malformed(`its format is not ${format}`);
  let header: Header;
  try {
    header = schema.parse(JSON.parse(file.metadata.get('header') ?? ''));
  } catch (cause) {
    return malformed('its header cannot be read', cause);
  }
  const { model, bounds, tokenizer, details } = header;
  const spec = specOf(header, encoderNames(file.tensors.keys()));
  const weights = new Map<string, Float32Array>();
  for (const [name, dims] of spec.parameters) {
    const shape = file.tensors.get(name)?.shape;
    if (shape?.length !== dims.length || shape.some((n, axis) => n !== dims[axis]))
      malformed(`${name} is missing or not of shape [${dims.join(', ')}]`);
    weights.set(name, file.read(name));
  }
  if (bounds.longest > spec.encoder.context || bounds.start.length + bounds.end.length >= bounds.longest)
    malformed('its bounds leave no room for a text, or more than its encoder has');
  return { model, tokenizer, details, spec, weights, bounds };
}

/** The names that the text encoder's tensors had in its checkpoint. */
function* encoderNames(names: Iterable<string>): Generator<string> {
  const prefix = 'encoder/';
  for (const name of names) if (name.startsWith(prefix)) yield name.slice(prefix.length);
}
