// Builds and reads alignments: trained on edits, or the one that the model brought along.
import { ErrataError } from '@errata/contracts';
import { decodeChange, encodeChange } from '@errata/models';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { divideRecords } from '../../training/records.ts';
import type { ArtefactBuilder, BuildInput, BuildOptions, BuiltArtefact, Checkpoint } from '../builder.ts';
import { readEditsFile } from '../edits-file.ts';
import { contentDigest, type ServedContent, servedContent } from '../served-content.ts';
import { type AlignmentFields, alignmentTraining, frontOf } from './request.ts';
import { trainAlignment } from './train.ts';

/** A stored alignment, with the digest that rows name it by. */
export type AlignmentArtefact = ServedContent<ReturnType<typeof decodeChange>>;

const readData = (path: string) => readEditsFile(path, 'to train on');

export const builder: ArtefactBuilder<AlignmentArtefact> = {
  async parameters(needs, { request, brought }) {
    const { data, ...fields }: AlignmentFields = request;
    const own = data === undefined ? await brought('alignment') : undefined;
    const all =
      data === undefined
        ? { brought: own === undefined ? null : contentDigest(own) }
        : { ...alignmentTraining(fields), data: (await readData(data)).sha256 };
    return needs.map(() => all);
  },

  async *build(needs, input, options) {
    const { data, ...fields }: AlignmentFields = input.request;
    const built =
      data === undefined
        ? { bytes: await broughtAlignment(input), details: {} }
        : await trainedAlignment(data, fields, input, options);
    yield* needs.map(() => built);
  },

  decode: (bytes, { model }) => servedContent('alignment', bytes, model, decodeChange),
};

/** The one that the model brought along. @throws ErrataError `artefact_missing` where there is none that fits */
async function broughtAlignment({ digest, brought }: BuildInput): Promise<Uint8Array> {
  const bytes = await brought('alignment');
  const lacks = (what: string): never => {
    throw new ErrataError(
      'artefact_missing',
      `${what}. Train one on edits with rephrases and locality probes: errata artefact build MODEL --kind alignment --data FILE`,
      { details: { kind: 'alignment' } },
    );
  };
  if (bytes === undefined) return lacks('the editor needs an alignment that was trained for this model');
  const { model } = decodeChange(bytes, 'the alignment that the model brought along');
  if (model !== digest) return lacks(`the alignment that came with the model was trained for another one, ${model}`);
  return bytes;
}

async function trainedAlignment(
  data: string,
  fields: AlignmentFields,
  { model, digest }: BuildInput,
  options: BuildOptions & { readonly checkpoint: Checkpoint },
): Promise<Omit<BuiltArtefact, 'parameters'>> {
  const settings = alignmentTraining(fields);
  const tokenizer = requireTokenizer({ model });
  options.onProgress?.({ stage: 'reading', done: 0, total: 1 });
  // A correction, then a query and its answer.
  const longest = Math.floor((model.spec.context - tokenizer.encode(frontOf('')).length) / 2);
  const file = await readData(data);
  const { records, validation, leftOut } = divideRecords(
    file,
    { tokenizer, longest },
    settings.batch_size,
    settings.validation,
  );
  const { deltas, ...course } = await trainAlignment({ model, settings, records, validation }, options);
  return {
    bytes: encodeChange(digest, deltas),
    details: {
      data: file.sha256,
      records: records.length,
      validation_records: validation.length,
      left_out: leftOut,
      settings,
      ...course,
    },
  };
}
