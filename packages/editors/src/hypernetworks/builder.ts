// Builds and reads trained transforms: trained on edits, or the one that the model brought along.
import { createHash } from 'node:crypto';
import { type ArtefactNeed, ErrataError } from '@errata/contracts';
import type { ArtefactBuilder, BuildInput, BuildOptions, Checkpoint } from '../artefacts/builder.ts';
import type { ArtefactRequestFields } from '../artefacts/description.ts';
import { readEditsFile } from '../artefacts/edits-file.ts';
import { requireTokenizer } from '../texts/tokenizer.ts';
import { divideRecords } from '../training/records.ts';
import { decodeTransform, encodeTransform, type StoredTransform, transformFor } from './file.ts';
import type { TransformMethod } from './methods.ts';
import { type TransformInput, type TransformSettings, type TransformStepper, trainTransform } from './training.ts';
import { transformSpec } from './transform.ts';

/** What tells the transforms of one method from others. */
export interface TransformKind<Settings extends TransformSettings> {
  readonly kind: 'gradient_transform' | 'shift_transform' | 'conditioned_transform';
  readonly method: TransformMethod;
  /** The settings of a request. */
  settings(fields: ArtefactRequestFields): Settings;
  /** Edits of a step. */
  perStep(settings: Settings): number;
  stepper(input: Pick<TransformInput<Settings>, 'model' | 'spec' | 'settings'>): TransformStepper;
}

const layersOf = ({ parameters }: ArtefactNeed) => parameters.layers as readonly number[];

const readData = (path: string) => readEditsFile(path, 'to train on');

const dataOf = ({ data }: ArtefactRequestFields) => data as string | undefined;

export const transformBuilder = <Settings extends TransformSettings>(
  of: TransformKind<Settings>,
): ArtefactBuilder<StoredTransform> => ({
  async parameters(needs, { request, brought }) {
    const data = dataOf(request);
    const own = data === undefined ? await brought(of.kind) : undefined;
    const source =
      data === undefined
        ? { brought: own === undefined ? null : createHash('sha256').update(own).digest('hex') }
        : { ...of.settings(request), data: (await readData(data)).sha256 };
    return needs.map(({ parameters }) => ({ ...parameters, ...source }));
  },

  async *build(needs, input, options) {
    for (const need of needs) {
      const data = dataOf(input.request);
      const bytes = await (data === undefined
        ? broughtTransform(of, layersOf(need), input)
        : trainedTransform(of, layersOf(need), data, input, options));
      yield { bytes, details: decodeTransform(bytes).details };
    }
  },

  decode(bytes, { model }) {
    const stored = decodeTransform(bytes);
    if (stored.model !== model)
      throw new ErrataError('artefact_missing', `the stored ${of.kind.replaceAll('_', ' ')} is another model's`, {
        details: { kind: of.kind, model, found: stored.model },
      });
    return stored;
  },
});

const sameLayers = (a: readonly number[], b: readonly number[]): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The transform that the model brought along. @throws ErrataError `artefact_missing` where there is none that fits */
async function broughtTransform(
  { kind, method }: Pick<TransformKind<never>, 'kind' | 'method'>,
  layers: readonly number[],
  { model, digest, brought }: BuildInput,
): Promise<Uint8Array> {
  const bytes = await brought(kind);
  const lacks = (what: string): never => {
    throw new ErrataError(
      'artefact_missing',
      `${what}. Train one on edits with rephrases and locality probes: errata artefact build MODEL --kind ${kind} --layers ${layers.join(',')} --data FILE`,
      { details: { kind, layers } },
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

async function trainedTransform<Settings extends TransformSettings>(
  { method, perStep, stepper, ...of }: TransformKind<Settings>,
  layers: readonly number[],
  data: string,
  { model, digest, request }: BuildInput,
  options: BuildOptions & { readonly checkpoint: Checkpoint },
): Promise<Uint8Array> {
  const settings = of.settings(request);
  const tokenizer = requireTokenizer({ model });
  const beyond = layers.find((layer) => layer >= model.spec.layers);
  if (beyond !== undefined)
    throw new ErrataError('invalid_request', `layer ${beyond} does not exist: the model has ${model.spec.layers}`);
  const spec = transformSpec(method, model.spec, layers, settings.network_rank);
  options.onProgress?.({ stage: 'reading', done: 0, total: 1 });
  const file = await readData(data);
  const source = { tokenizer, longest: model.spec.context };
  const drawn = perStep(settings);
  const { records, validation, leftOut } = divideRecords(file, source, drawn, settings.validation);
  const input = { model, spec, settings, records, validation };
  const { weights, ...course } = await trainTransform(input, stepper(input), drawn, options);
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
