// Context prefixes: drawn once from the base model, stored, and never those of another.
import { canonicalJson, sha256 } from '@errata/contracts';
import { describe, expect, it } from 'vitest';
import { tinyGpt2, tinyModel } from '../../tiny-model.fixture.ts';
import { openArtefacts } from '../artefacts.ts';
import { localArtefacts } from '../local.ts';
import { type ArtefactStore, memoryArtefactStore } from '../store.ts';
import { builder } from './build.ts';
import { decodeContextPrefixes, encodeContextPrefixes, starters } from './context-prefixes.ts';
import { contextPrefixesOf } from './request.ts';

const of = (seed: number) => contextPrefixesOf({ prefixes: [[7, 4]], seed });

/** The prefixes of a tiny model, made with a seed of its own. */
async function drawn(seed: number, modelSeed = 5, store: ArtefactStore = memoryArtefactStore()) {
  const model = tinyModel(tinyGpt2, modelSeed);
  const built: string[] = [];
  const artefacts = await localArtefacts({ model, digest: model.digest!, store }, [of(seed)], {
    onBuild: (kind) => built.push(kind),
  });
  return { model, built, prefixes: await artefacts.read(builder, of(seed)) };
}

describe('context prefixes', () => {
  it('come from the base model, begin with the starters, and are drawn once', async () => {
    const store = memoryArtefactStore();
    const { built, prefixes } = await drawn(3, 5, store);
    expect(built).toEqual(['context_prefixes']);
    expect(prefixes.texts).toHaveLength(7);
    for (const [i, text] of prefixes.texts.entries())
      expect(text.startsWith(starters[i % starters.length]!)).toBe(true);
    expect(await drawn(3, 5, store)).toMatchObject({ built: [], prefixes });
    expect((await drawn(3)).prefixes).toEqual(prefixes);
    expect((await drawn(4)).prefixes.digest).not.toBe(prefixes.digest);
  });

  it('are never those of another model', async () => {
    const store = memoryArtefactStore();
    const [a, b] = [await drawn(3, 5, store), await drawn(3, 6, store)];
    expect(a.prefixes.model).toBe(a.model.digest);
    expect(b.prefixes.model).toBe(b.model.digest);
    expect(a.prefixes.texts).not.toEqual(b.prefixes.texts);
    const mixed = openArtefacts(b.model.digest!, [
      { need: of(3), read: async () => encodeContextPrefixes(a.prefixes) },
    ]);
    await expect(mixed.read(builder, of(3))).rejects.toMatchObject({ code: 'artefact_missing' });
  });

  it('survive storing, and a changed byte is noticed', async () => {
    const { prefixes } = await drawn(3);
    const bytes = encodeContextPrefixes(prefixes);
    expect(decodeContextPrefixes(bytes)).toEqual(prefixes);
    const text = new TextDecoder().decode(bytes).replace('"The', '"Tha');
    expect(() => decodeContextPrefixes(new TextEncoder().encode(text))).toThrow(/digest/);
  });

  it('are found in a folder where an earlier build left them', async () => {
    const store = memoryArtefactStore();
    const { model, prefixes } = await drawn(3);
    const settings = sha256(canonicalJson({ prefixes: [[7, 4]], seed: 3 }));
    await store.put(`context-prefixes/${model.digest}/${settings}`, encodeContextPrefixes(prefixes));
    expect(await drawn(3, 5, store)).toMatchObject({ built: [], prefixes });
  });
});
