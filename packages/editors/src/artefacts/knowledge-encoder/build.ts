// Builds and reads knowledge encoders: trained on edits, or the one that the model brought along.
import { ErrataError } from '@errata/contracts';
import { decodeKnowledgeEncoder, encodeKnowledgeEncoder, type StoredKnowledgeEncoder } from '@errata/models';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { encoderDigest } from '../../training/initial-texts.ts';
import { apart, divideRecords } from '../../training/records.ts';
import type { ArtefactBuilder, BuildInput, BuildOptions, Checkpoint } from '../builder.ts';
import { readEditsFile } from '../edits-file.ts';
import { contentDigest, type ServedContent, servedContent } from '../served-content.ts';
import { fitHeads } from './fit-heads.ts';
import { initialEncoder } from './initial.ts';
import { type KnowledgeEncoderFields, type TrainingSettings, trainingSettings } from './request.ts';
import { trainEncoder } from './train.ts';

/** A stored knowledge encoder, with the digest that rows name it by. */
export type KnowledgeEncoderArtefact = ServedContent<StoredKnowledgeEncoder>;

const promptTokensOf = ({ parameters }: { readonly parameters: Readonly<Record<string, unknown>> }): number =>
  parameters.prompt_tokens as number;

export const builder: ArtefactBuilder<KnowledgeEncoderArtefact> = {
  async parameters(needs, { request, brought }) {
    const { data, encoder, ...fields }: KnowledgeEncoderFields = request;
    const own = data === undefined ? await brought('knowledge_encoder') : undefined;
    return Promise.all(
      needs.map(async (need) => {
        const prompt_tokens = promptTokensOf(need);
        if (data === undefined) return { prompt_tokens, brought: own === undefined ? null : contentDigest(own) };
        const settings = trainingSettings(prompt_tokens, fields);
        return {
          ...settings,
          data: (await readData(data)).sha256,
          encoder: encoder === undefined ? null : await encoderDigest(encoder),
        };
      }),
    );
  },

  async *build(needs, input, options) {
    for (const need of needs) {
      const bytes = await encoderFor(promptTokensOf(need), input, options);
      yield { bytes, details: decodeKnowledgeEncoder(bytes).details };
    }
  },

  decode: (bytes, { model }) => servedContent('knowledge_encoder', bytes, model, decodeKnowledgeEncoder),
};

const readData = (path: string) => readEditsFile(path, 'to train on');

async function encoderFor(
  prompt_tokens: number,
  input: BuildInput,
  options: BuildOptions & { readonly checkpoint: Checkpoint },
): Promise<Uint8Array> {
  const { data, encoder, ...fields }: KnowledgeEncoderFields = input.request;
  if (data === undefined) return broughtEncoder(prompt_tokens, input);
  return trainedEncoder(data, encoder, trainingSettings(prompt_tokens, fields), input, options);
}

/** The encoder that the model brought along. @throws ErrataError `artefact_missing` where there is none that fits */
async function broughtEncoder(prompt_tokens: number, { digest, brought }: BuildInput): Promise<Uint8Array> {
  const bytes = await brought('knowledge_encoder');
  const lacks = (what: string): never => {
    throw new ErrataError(
      'artefact_missing',
      `${what}. Train one on edits with rephrases and locality probes: errata artefact build MODEL --kind knowledge_encoder --prompt_tokens ${prompt_tokens} --data FILE`,
      { details: { kind: 'knowledge_encoder', prompt_tokens } },
    );
  };
  if (bytes === undefined) return lacks('the editor needs an encoder of corrections that was trained for this model');
  const { model, spec } = decodeKnowledgeEncoder(bytes, 'the encoder that the model brought along');
  if (model !== digest) return lacks(`the encoder that came with the model was trained for another one, ${model}`);
  if (spec.promptTokens !== prompt_tokens)
    return lacks(
      `the encoder that came with the model makes ${spec.promptTokens} prompts of a correction, not ${prompt_tokens}`,
    );
  return bytes;
}

async function trainedEncoder(
  data: string,
  encoder: string | undefined,
  settings: TrainingSettings,
  { model, digest }: BuildInput,
  options: BuildOptions & { readonly checkpoint: Checkpoint },
): Promise<Uint8Array> {
  const tokenizer = requireTokenizer({ model });
  const initial = await initialEncoder(encoder, settings, model);
  options.onProgress?.({ stage: 'reading', done: 0, total: 1 });
  const longest = model.spec.context - settings.prompt_tokens;
  const file = await readData(data);
  const { batch_size, validation: kept } = settings;
  const { records, leftOut, ...rest } = divideRecords(file, { tokenizer, longest }, batch_size, kept);
  const validation = apart(rest.validation);
  if (settings.fit_heads > 0) await fitHeads(initial, model, records.slice(0, settings.fit_heads));
  const { weights, ...course } = await trainEncoder({ model, digest, initial, settings, records, validation }, options);
  const details = {
    data: file.sha256,
    records: records.length,
    validation_records: validation.length,
    left_out: leftOut,
    encoder: initial.encoder,
    settings,
    ...course,
  };
  const { spec, bounds } = initial;
  return encodeKnowledgeEncoder({ model: digest, spec, weights, tokenizer: initial.tokenizer, bounds, details });
}
