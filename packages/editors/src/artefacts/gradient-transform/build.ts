// Builds and reads gradient transforms: trained on edits, or the one that the model brought along.
import { createHash } from 'node:crypto';
import { type ArtefactNeed, ErrataError } from '@errata/contracts';
import { decodeTransform, encodeTransform, type StoredTransform, transformFor } from '../../hypernetworks/file.ts';
import { mlpMaps } from '../../hypernetworks/maps.ts';
import { transformSpec } from '../../hypernetworks/transform.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { divideRecords } from '../../training/records.ts';
import type { ArtefactBuilder, BuildInput, BuildOptions, Checkpoint } from '../builder.ts';
import { readEditsFile } from '../edits-file.ts';
import { type GradientTransformFields, type TransformMethod, transformTraining } from './request.ts';
import { trainTransform } from './train.ts';

/** What a transform is for. */
interface Purpose {
  readonly method: TransformMethod;
  readonly layers: readonly number[];
}

const purposeOf = ({ parameters }: ArtefactNeed): Purpose => parameters as unknown as Purpose;

const readData = (path: string) => readEditsFile(path, 'to train on');

export const builder: ArtefactBuilder<StoredTransform> = {
  async parameters(needs, { request, brought }) {
    const { data, ...fields }: GradientTransformFields = request;
    const own = data === undefined ? await brought('gradient_transform') : undefined;
    const source =
      data === undefined
        ? { brought: own === undefined ? null : createHash('sha256').update(own).digest('hex') }
        : { ...transformTraining(fields), data: (await readData(data)).sha256 };
    return needs.map((need) => ({ ...purposeOf(need), ...source }));
  },

  async build(needs, input, options) {
    const built: { bytes: Uint8Array; details: Readonly<Record<string, unknown>> }[] = [];
    for (const need of needs) {
      const bytes = await transformOf(purposeOf(need), input, options);
      built.push({ bytes, details: decodeTransform(bytes).details });
    }
    return built;
  },

  decode(bytes, { model }) {
    const stored = decodeTransform(bytes);
    if (stored.model !== model)
      throw new ErrataError('artefact_missing', "the stored gradient transform is another model's", {
        details: { kind: 'gradient_transform', model, found: stored.model },
      });
    return stored;
  },
};

async function transformOf(
  purpose: Purpose,
  input: BuildInput,
  options: BuildOptions & { readonly checkpoint: Checkpoint },
): Promise<Uint8Array> {
  const { data, ...fields }: GradientTransformFields = input.request;
  if (data === undefined) return broughtTransform(purpose, input);
  return trainedTransform(purpose, data, fields, input, options);
}

const sameLayers = (a: readonly number[], b: readonly number[]): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The transform that the model brought along. @throws ErrataError `artefact_missing` where there is none that fits */
async function broughtTransform(
  { method, layers }: Purpose,
  { model, digest, brought }: BuildInput,
): Promise<Uint8Array> {
  const bytes = await brought('gradient_transform');
  const lacks = (what: string): never => {
    throw new ErrataError(
      'artefact_missing',
      `${what}. Train one on edits with rephrases and locality probes: errata artefact build MODEL --kind gradient_transform --method ${method} --layers ${layers.join(',')} --data FILE`,
      { details: { kind: 'gradient_transform', method, layers } },
    );
  };
  if (bytes === undefined) return lacks('the editor needs networks that were trained for this model');
  const stored = decodeTransform(bytes, 'the transform that the model brought along');
  if (stored.model !== digest)
    return lacks(`the transform that came with the model was trained for another one, ${stored.model}`);
  if (stored.method !== method) return lacks(`the transform that came with the model is for ${stored.method}`);
  if (!sameLayers(stored.layers, layers))
    return lacks(`the transform that came with the model changes layers ${stored.layers.join(', ')}`);
  transformFor(stored, model.spec);
  return bytes;
}

async function trainedTransform(
  { method, layers }: Purpose,
  data: string,
  fields: GradientTransformFields,
  { model, digest }: BuildInput,
  options: BuildOptions & { readonly checkpoint: Checkpoint },
): Promise<Uint8Array> {
  const settings = transformTraining(fields);
  const tokenizer = requireTokenizer({ model });
  const beyond = layers.find((layer) => layer >= model.spec.layers);
  if (beyond !== undefined)
    throw new ErrataError('invalid_request', `layer ${beyond} does not exist: the model has ${model.spec.layers}`);
  const spec = transformSpec(mlpMaps(model.spec, layers), settings.network_rank);
  options.onProgress?.({ stage: 'reading', done: 0, total: 1 });
  const file = await readData(data);
  const { batch_size, edits_per_update, validation: kept } = settings;
  const source = { tokenizer, longest: model.spec.context };
  const { records, validation, leftOut } = divideRecords(file, source, batch_size * edits_per_update, kept);
  const { weights, ...course } = await trainTransform({ model, spec, settings, records, validation }, options);
  const details = {
    data: file.sha256,
    records: records.length,
    validation_records: validation.length,
    left_out: leftOut,
    settings,
    ...course,
  };
  return encodeTransform({ model: digest, method, layers: [...layers], rank: settings.network_rank, details, weights });
}
