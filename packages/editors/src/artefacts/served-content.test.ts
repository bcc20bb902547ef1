// What was trained and is served: whose it is, and what cannot be read.
import { ModelError } from '@errata/models';
import { expect, test } from 'vitest';
import { contentDigest, servedContent } from './served-content.ts';

const bytes = Uint8Array.of(1, 2);
const read = (model: string) => servedContent('some_kind', bytes, model, () => ({ model: 'mine' }));

test('is named by its digest, and refused where it is of another model', () => {
  expect(read('mine')).toEqual({ sha256: contentDigest(bytes), bytes, stored: { model: 'mine' } });
  expect(() => read('yours')).toThrow(
    expect.objectContaining({ code: 'artefact_missing', message: "the stored some kind is another model's" }),
  );
});

test('is corrupt where its bytes cannot be read', () => {
  const decode = () => {
    throw new ModelError('delta_malformed', { where: 'it', what: 'nothing of the kind', hint: 'Fetch it again' });
  };
  expect(() => servedContent('some_kind', bytes, 'mine', decode)).toThrow(
    expect.objectContaining({ code: 'blob_corrupt' }),
  );
});
