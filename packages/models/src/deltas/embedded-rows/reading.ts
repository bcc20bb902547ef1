// Embedded rows as they are read, with the encoders that their vectors come from.

import type { Encoder } from '../../running/encoder.ts';
import { decodeSentenceEncoder } from '../../sentences/sentence-encoder.ts';
import type { Contents } from '../contents.ts';
import { type Similar, textsReading } from '../prompt-texts.ts';
import type { PromptReading } from '../reading.ts';
import { nearRows } from './nearest.ts';
import { type EmbeddedRow, embeddedVectors, tellHeader } from './rows.ts';

/** A sentence encoder that lies among contents, opened. @throws ModelError content_* */
export const heldSentenceEncoder = (contents: Contents, sha256: string): Promise<Encoder> =>
  contents.get(sha256, (bytes) => decodeSentenceEncoder(bytes, `artefact ${sha256}`));

/** The vector of a text, of length 1. */
export const unitVector = (encoder: Encoder, text: string): Promise<Float32Array> =>
  encoder.embed([text.trim()], { normalise: true });

/** How embedded rows are read. Rows of several encoders are each compared with what their own makes of the prompt. */
export const embeddedReading = (rows: readonly EmbeddedRow[]): PromptReading =>
  textsReading<EmbeddedRow>({
    memory: 'memory of embedded texts',
    similar: async (text, { contents }) => {
      const near: Similar<EmbeddedRow>[] = [];
      for (const [sha256, set] of embeddedVectors.sets(rows)) {
        const encoder = await heldSentenceEncoder(contents, sha256);
        near.push(...(await nearRows(set, await unitVector(encoder, text))));
      }
      return near;
    },
    name: tellHeader,
  });
