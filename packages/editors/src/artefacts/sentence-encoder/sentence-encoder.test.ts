// Sentence encoders as artefacts: made of a directory, or brought along by the model; and what is refused.
import { afterAll, describe, expect, it } from 'vitest';
import { writeTinySentenceEncoder } from '../../../../../test/support/tiny-sentence-encoder.ts';
import { tinyGpt2, tinyModel } from '../../tiny-model.fixture.ts';
import { localArtefacts } from '../local.ts';
import { memoryArtefactStore } from '../store.ts';
import { builder } from './build.ts';
import { sentenceEncoderNeed } from './request.ts';

const { path, remove } = writeTinySentenceEncoder();
afterAll(remove);

const model = tinyModel(tinyGpt2, 5);
const read = async (encoder: string | undefined, brought?: Uint8Array) => {
  const built: string[] = [];
  const artefacts = await localArtefacts(
    {
      model,
      digest: model.digest!,
      store: memoryArtefactStore(),
      request: encoder === undefined ? {} : { encoder },
      brought: async (kind) => (kind === 'sentence_encoder' ? brought : undefined),
    },
    [sentenceEncoderNeed],
    { onBuild: (kind) => built.push(kind) },
  );
  expect(built).toEqual(['sentence_encoder']);
  return artefacts.read(builder, sentenceEncoderNeed);
};

describe('a sentence encoder', () => {
  it('is made of its directory, and the same when the model brings that file along', async () => {
    const made = await read(path);
    expect(made.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(await read(undefined, made.bytes)).toEqual(made);
  });

  it('is asked for where there is none', async () => {
    await expect(read(undefined)).rejects.toMatchObject({
      code: 'artefact_missing',
      message: expect.stringContaining('--kind sentence_encoder --encoder DIR') as string,
    });
  });

  it('is refused where the directory, or what was brought, is none', async () => {
    await expect(read('/nowhere')).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('/nowhere') as string,
    });
    await expect(read(undefined, new TextEncoder().encode('no encoder'))).rejects.toThrow();
  });
});
