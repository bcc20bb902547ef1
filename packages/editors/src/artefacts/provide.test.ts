// Artefacts for whoever needs them: what is stored is taken, what is missing is built once, and what it is built from before it.
import { type ArtefactNeed, canonicalJson } from '@errata/contracts';
import { expect, test } from 'vitest';
import { needKey } from './need-key.ts';
import { provideArtefacts } from './provide.ts';

const needed = (kind: string, scope = 'model', parameters = {}): ArtefactNeed => ({ kind, scope, parameters });
const said = ({ kind, scope }: ArtefactNeed) => `${kind} of ${scope}`;

/** A projector is made of the second moment of its layer, and both are made of a tokenizer's counts. */
const parentsOf = (needs: readonly ArtefactNeed[]) => {
  const parents = needs.flatMap(({ kind, scope }) => {
    if (kind === 'projector') return [needed('moment', scope), needed('counts')];
    return kind === 'moment' ? [needed('counts')] : [];
  });
  return [...new Map(parents.map((need) => [needKey(need), need])).values()];
};

function keeper(stored: readonly ArtefactNeed[]) {
  const kept = new Map(stored.map((need) => [needKey(need), said(need)]));
  const built: { readonly made: readonly string[]; readonly of: readonly string[] }[] = [];
  return {
    built,
    find: async (needs: readonly ArtefactNeed[]) => needs.map((need) => kept.get(needKey(need)) ?? null),
    build: async (kind: string, needs: readonly ArtefactNeed[], parents: readonly { readonly kept: string }[]) => {
      expect(needs.every((need) => need.kind === kind)).toBe(true);
      for (const need of needs) kept.set(needKey(need), said(need));
      built.push({ made: needs.map(said), of: parents.map((parent) => parent.kept) });
      return needs.map(said);
    },
  };
}

test('what is stored is not built, and scopes of one kind are built together', async () => {
  const layers = [0, 1, 2].map((layer) => needed('moment', `layer ${layer}`));
  const here = keeper([layers[1]!, needed('counts')]);
  const provided = await provideArtefacts([...layers, layers[0]!], here, parentsOf);
  expect(provided.map(({ kept }) => kept)).toEqual([...layers, layers[0]!].map(said));
  expect(here.built).toEqual([{ made: ['moment of layer 0', 'moment of layer 2'], of: ['counts of model'] }]);
});

test('what an artefact is built from is there before it, each once', async () => {
  const here = keeper([]);
  const needs = ['layer 4', 'layer 5'].flatMap((scope) => [needed('projector', scope), needed('moment', scope)]);
  await provideArtefacts(needs, here, parentsOf);
  expect(here.built).toEqual([
    { made: ['counts of model'], of: [] },
    { made: ['moment of layer 4', 'moment of layer 5'], of: ['counts of model'] },
    {
      made: ['projector of layer 4', 'projector of layer 5'],
      of: ['moment of layer 4', 'counts of model', 'moment of layer 5'],
    },
  ]);
});

test('artefacts of other parameters are others', async () => {
  const [one, other] = [needed('counts', 'model', { seed: 1 }), needed('counts', 'model', { seed: 2 })];
  const here = keeper([one]);
  await provideArtefacts([one, other], here, parentsOf);
  expect(here.built).toEqual([{ made: [said(other)], of: [] }]);
  expect(needKey(one)).toBe(canonicalJson(['counts', 'model', { seed: 1 }]));
});
