// Makes one file of a sentence encoder's directory, or takes the file that the model brought along.
import { ErrataError } from '@errata/contracts';
import {
  type Checkpoint,
  decodeSentenceEncoder,
  encodeSentenceEncoder,
  loadCheckpoint,
  ModelError,
} from '@errata/models';
import type { ArtefactBuilder, BuildInput } from '../builder.ts';
import { contentDigest } from '../served-content.ts';
import type { SentenceEncoderFields } from './request.ts';

/** A stored sentence encoder, with the digest that rows name it by. */
export interface SentenceEncoderArtefact {
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

export const builder: ArtefactBuilder<SentenceEncoderArtefact> = {
  async parameters(needs, { request, brought }) {
    const { encoder }: SentenceEncoderFields = request;
    if (encoder !== undefined) {
      const digest = await withCheckpoint(encoder, (checkpoint) => checkpoint.digest);
      return needs.map(() => ({ encoder: digest }));
    }
    const own = await brought('sentence_encoder');
    return needs.map(() => ({ brought: own === undefined ? null : contentDigest(own) }));
  },

  async *build(needs, input) {
    const bytes = await bytesFor(input);
    const { spec, settings, digest } = decodeSentenceEncoder(bytes);
    const details = { encoder: digest, layers: spec.layers, width: spec.width, ...settings };
    yield* needs.map(() => ({ bytes, details }));
  },

  decode: (bytes) => ({ sha256: contentDigest(bytes), bytes }),
};

async function bytesFor({ request, brought }: BuildInput): Promise<Uint8Array> {
  const { encoder }: SentenceEncoderFields = request;
  if (encoder !== undefined) return withCheckpoint(encoder, encodeSentenceEncoder);
  const own = await brought('sentence_encoder');
  if (own !== undefined) return own;
  throw new ErrataError(
    'artefact_missing',
    'corrections are to be found by a sentence encoder, and the model brought none along. Give the directory of one: errata artefact build MODEL --kind sentence_encoder --encoder DIR',
    { details: { kind: 'sentence_encoder' } },
  );
}

/** @throws ErrataError `invalid_request` where it is no directory of such an encoder */
async function withCheckpoint<T>(directory: string, work: (checkpoint: Checkpoint) => T): Promise<T> {
  try {
    const checkpoint = await loadCheckpoint(directory);
    try {
      return work(checkpoint);
    } finally {
      checkpoint.close();
    }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new ErrataError('invalid_request', `the sentence encoder ${directory} cannot be used: ${error.message}`, {
      details: { encoder: directory },
      cause: error,
    });
  }
}
