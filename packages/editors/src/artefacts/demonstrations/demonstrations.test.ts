// Demonstrations: read out of a file of edits or brought along by the model, and what is refused.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { tinyGpt2, tinyModel } from '../../tiny-model.fixture.ts';
import { localArtefacts } from '../local.ts';
import { memoryArtefactStore } from '../store.ts';
import { builder } from './build.ts';
import { type Demonstration, decodeDemonstrations } from './demonstrations.ts';
import { demonstrationsNeed } from './request.ts';

const folder = mkdtempSync(join(tmpdir(), 'errata-demonstrations-'));
afterAll(() => rmSync(folder, { recursive: true }));

const anna = {
  custom_id: 'anna',
  prompt: '{} lives in',
  subject: 'Anna',
  target_new: 'Oslo',
  rephrases: ['the home of Anna is'],
  locality: {
    neighbourhood: [{ prompt: 'Boris lives in', target: 'Rome' }, { prompt: 'Clara lives in' }],
    distracting: [{ prompt: 'Anna lives in Oslo. Boris lives in', target: 'Rome' }],
  },
};
const demonstration: Demonstration = {
  prompt: 'Anna lives in',
  subject: 'Anna',
  target_new: 'Oslo',
  rephrases: ['the home of Anna is'],
  neighbours: [{ prompt: 'Boris lives in', target: 'Rome' }],
};

const model = tinyModel(tinyGpt2, 5);
const read = async (source: { readonly data?: string; readonly brought?: Uint8Array }) => {
  const artefacts = await localArtefacts(
    {
      model,
      digest: model.digest!,
      store: memoryArtefactStore(),
      request: source.data === undefined ? {} : { data: source.data },
      brought: async (kind) => (kind === 'demonstrations' ? source.brought : undefined),
    },
    [demonstrationsNeed],
  );
  return artefacts.read(builder, demonstrationsNeed);
};
const file = (...lines: readonly unknown[]): string => {
  const path = join(folder, 'edits.jsonl');
  writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return path;
};

describe('demonstrations', () => {
  it('are the edits of a file that say what they change and what they leave alone, without what states them', async () => {
    const { rephrases: _, ...unsaid } = anna;
    expect(await read({ data: file(anna, '', { ...unsaid, custom_id: 'b' }) })).toEqual([demonstration]);
  });

  it('are those that the model brought along where no file is named', async () => {
    const brought = new TextEncoder().encode(JSON.stringify(anna));
    expect(await read({ brought })).toEqual([demonstration]);
    const data = file({ ...anna, target_new: 'Lima' });
    expect(await read({ data, brought })).toEqual([{ ...demonstration, target_new: 'Lima' }]);
    await expect(read({ brought: new TextEncoder().encode('{') })).rejects.toThrow(/model brought along, line 1: /);
  });

  it('are asked for where there are none', async () => {
    await expect(read({})).rejects.toMatchObject({
      code: 'artefact_missing',
      message: expect.stringContaining('--kind demonstrations --data FILE') as string,
    });
  });

  it('name the line that is none, and the file that has none', async () => {
    for (const [line, what] of [
      ['{', 'line 2: is not JSON'],
      [{ ...anna, target_new: 7 }, 'line 2: '],
    ] as const)
      await expect(read({ data: file(anna, line) })).rejects.toMatchObject({
        code: 'invalid_edits',
        message: expect.stringContaining(what) as string,
      });
    await expect(read({ data: file({ ...anna, locality: {} }) })).rejects.toThrow(/none of 1 edits/);
    await expect(read({ data: join(folder, 'absent') })).rejects.toMatchObject({ code: 'invalid_edits' });
    expect(() => decodeDemonstrations(new TextEncoder().encode('{}'))).toThrow(
      expect.objectContaining({ code: 'blob_corrupt' }) as never,
    );
  });
});
