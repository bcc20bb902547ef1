// Builds and reads counterfactual models with their scope classifiers: trained on edits, or the one that the model brought along.
import { ErrataError } from '@errata/contracts';
import { decodeCounterfactual, encodeCounterfactual, frontText, type StoredCounterfactual } from '@errata/models';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { encoderDigest } from '../../training/initial-texts.ts';
import { apart, divideRecords } from '../../training/records.ts';
import type { ArtefactBuilder, BuildInput, BuildOptions, Checkpoint } from '../builder.ts';
import { readEditsFile } from '../edits-file.ts';
import { contentDigest, type ServedContent, servedContent } from '../served-content.ts';
import { fitVectors, initialCounterfactual, takeCommonAway } from './initial.ts';
import { type CounterfactualModelFields, type TrainingSettings, trainingSettings } from './request.ts';
import { trainCounterfactual } from './train.ts';

/** A stored counterfactual model, with the digest that rows name it by. */
export type CounterfactualArtefact = ServedContent<StoredCounterfactual>;

const readData = (path: string) => readEditsFile(path, 'to train on');

export const builder: ArtefactBuilder<CounterfactualArtefact> = {
  async parameters(needs, { model, request, brought }) {
    const { data, encoder, ...fields }: CounterfactualModelFields = request;
    const own = data === undefined ? await brought('counterfactual_model') : undefined;
    const all =
      data === undefined
        ? { brought: own === undefined ? null : contentDigest(own) }
        : {
            ...trainingSettings(model.spec.width, fields),
            data: (await readData(data)).sha256,
            encoder: encoder === undefined ? null : await encoderDigest(encoder),
          };
    return needs.map(() => all);
  },

  async *build(needs, input, options) {
    const { data, encoder, ...fields }: CounterfactualModelFields = input.request;
    const bytes =
      data === undefined
        ? await broughtModel(input)
        : await trainedModel(data, encoder, trainingSettings(input.model.spec.width, fields), input, options);
    yield* needs.map(() => ({ bytes, details: decodeCounterfactual(bytes).details }));
  },

  decode: (bytes, { model }) => servedContent('counterfactual_model', bytes, model, decodeCounterfactual),
};

/** The one that the model brought along. @throws ErrataError `artefact_missing` where there is none that fits */
async function broughtModel({ digest, brought }: BuildInput): Promise<Uint8Array> {
  const bytes = await brought('counterfactual_model');
  const lacks = (what: string): never => {
    throw new ErrataError(
      'artefact_missing',
      `${what}. Train one on edits with rephrases and locality probes: errata artefact build MODEL --kind counterfactual_model --data FILE`,
      { details: { kind: 'counterfactual_model' } },
    );
  };
  if (bytes === undefined) return lacks('the editor needs a counterfactual model that was trained for this model');
  const { model } = decodeCounterfactual(bytes, 'the counterfactual model that the model brought along');
  if (model !== digest)
    return lacks(`the counterfactual model that came with the model was trained for another one, ${model}`);
  return bytes;
}

async function trainedModel(
  data: string,
  encoder: string | undefined,
  settings: TrainingSettings,
  { model, digest }: BuildInput,
  options: BuildOptions & { readonly checkpoint: Checkpoint },
): Promise<Uint8Array> {
  const tokenizer = requireTokenizer({ model });
  const initial = await initialCounterfactual(encoder, settings, model);
  const { template, batch_size, validation: kept, fit_heads } = settings;
  options.onProgress?.({ stage: 'reading', done: 0, total: 1 });
  // A correction, a query and its answer; the end of the answer is one token.
  const around = tokenizer.encode(frontText(template, { prompt: '', target: '' })).length + 1;
  const longest = Math.floor((initial.spec.decoder.context - around) / 2);
  const file = await readData(data);
  const { records, leftOut, ...rest } = divideRecords(file, { tokenizer, longest }, batch_size, kept);
  const validation = apart(rest.validation);
  if (fit_heads > 0) await fitVectors(initial, model, records.slice(0, fit_heads));
  takeCommonAway(initial, model, records);
  const { weights, ...course } = await trainCounterfactual(
    { model, digest, initial, settings, records, validation },
    options,
  );
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
  return encodeCounterfactual({
    model: digest,
    spec,
    weights,
    tokenizer: initial.tokenizer,
    bounds,
    template,
    details,
  });
}
